//! Listeners: what receives the events of policies.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use crate::{Cause, Event, InspectId, contain};
use nesting::Running;

mod nesting;

/// Receives events. Implemented by every `Fn(&Event)`.
///
/// A listener runs on the thread of the call that caused the event, outside of every lock. It may
/// call back into the policy that called it and add or remove listeners. Its panic is contained
/// and counted. It should be quick: anything that takes long belongs into a channel.
///
/// # Events that a listener causes
///
/// While a listener runs, an event that it causes on the same thread is not delivered to it:
/// a listener that makes a call whenever one is refused would be called without end. The other
/// listeners receive the event, as does the same listener on other threads. At most four listeners
/// run inside each other; an event beyond that is delivered to nobody.
///
/// [Ordered](Listeners::queue) events, such as a circuit's transitions, are the exception: one that
/// a listener causes waits until it has returned, and is then delivered to all listeners.
pub trait Listener: Send + Sync + 'static {
    /// Receives `event`.
    fn on_event(&self, event: &Event);

    /// The failures for which a circuit opens, or would in shadow, if this listener knows them. All
    /// listeners are asked before the first receives `opening`, so that each can report what failed.
    fn causes(&self, opening: &Event) -> Vec<Cause> {
        let _ = opening;
        Vec::new()
    }

    /// What it has in common with its clones, if anything: the address of what they share. A listener
    /// that is both in the set of a policy's handle and in that of the pipeline around it receives an
    /// event once.
    ///
    /// By default each listener that is added is one of its own.
    fn identity(&self) -> Option<ListenerIdentity> {
        None
    }
}

impl<F: Fn(&Event) + Send + Sync + 'static> Listener for F {
    fn on_event(&self, event: &Event) {
        self(event);
    }
}

/// A set of listeners. Clones share it.
///
/// There are two ways in: [`emit`](Self::emit) calls the listeners at once. Events that must arrive in
/// the order in which they happened are [queued](Self::queue) under the policy's lock and
/// [delivered](Self::deliver) after it was released, by one thread at a time.
#[derive(Clone, Default)]
pub struct Listeners(Arc<Inner>);

#[derive(Default)]
struct Inner {
    // Mirrors the length of `list`, so that a policy without listeners pays for one load.
    len: AtomicUsize,
    list: RwLock<Arc<[Entry]>>,
    panics: AtomicU64,
    ordered: Mutex<Ordered>,
}

#[derive(Clone)]
struct Entry {
    id: ListenerId,
    identity: Option<ListenerIdentity>,
    listener: Arc<dyn Listener>,
}

impl Entry {
    fn is_same_as(&self, other: &Self) -> bool {
        self.id == other.id || (self.identity.is_some() && self.identity == other.identity)
    }
}

#[derive(Default)]
struct Ordered {
    queue: VecDeque<Queued>,
    delivering: bool,
    dropped: u64,
}

/// An event, and the set that receives it in addition to the one in which it is queued.
struct Queued {
    event: Event,
    others: Option<Listeners>,
}

/// What the clones of a listener have in common: see [`Listener::identity`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerIdentity(usize);

impl ListenerIdentity {
    /// The identity of the listeners that share `shared`.
    pub fn of<T: ?Sized>(shared: &T) -> Self {
        Self(std::ptr::from_ref(shared).cast::<()>().addr())
    }
}

/// Identifies a listener that was added, so that it can be removed. Unique in the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(u64);

impl ListenerId {
    fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

impl Listeners {
    /// How many ordered events may wait for a slow listener. Further ones are dropped and counted in
    /// [`dropped`](Self::dropped). Transitions are the only ordered events, so only a listener that
    /// hangs can reach the bound.
    pub const MAX_QUEUED: usize = 4096;

    /// Adds a listener.
    pub fn add(&self, listener: impl Listener) -> ListenerId {
        let id = ListenerId::new();
        let identity = listener.identity();
        let entry = Entry { id, identity, listener: Arc::new(listener) };
        self.replace(|list| list.iter().cloned().chain([entry]).collect());
        id
    }

    /// Adds the listeners that are in `others` now, but for those that this set has. Where a policy has
    /// the one set and the pipeline around it the other, each receives an event once.
    pub fn add_all(&self, others: &Self) {
        let others = others.entries();
        self.replace(|list| {
            let known = |it: &&Entry| !list.iter().any(|known| known.is_same_as(it));
            list.iter().chain(others.iter().filter(known)).cloned().collect()
        });
    }

    /// Removes a listener, and returns whether it was there. One that is running now runs to its end.
    pub fn remove(&self, id: ListenerId) -> bool {
        self.replace(|list| list.iter().filter(|entry| entry.id != id).cloned().collect())
    }

    fn replace(&self, change: impl FnOnce(&[Entry]) -> Arc<[Entry]>) -> bool {
        let mut list = self.0.list.write();
        let before = list.len();
        let new = change(&list);
        let old = std::mem::replace(&mut *list, new);
        let after = list.len();
        self.0.len.store(after, Ordering::Relaxed);
        drop(list);
        // A listener's own drop is the user's code: it runs outside the lock.
        drop(old);
        before != after
    }

    /// Whether nobody listens. One load.
    #[inline]
    pub fn is_empty(&self) -> bool {
        // A hint: the list itself is read under its lock. A thread that added a listener and then
        // started this one did so through something that orders the two.
        self.0.len.load(Ordering::Relaxed) == 0
    }

    /// How many there are. One load.
    pub fn len(&self) -> usize {
        self.0.len.load(Ordering::Relaxed)
    }

    /// The identity of the set: that of all its clones.
    pub fn id(&self) -> InspectId {
        InspectId::of(&*self.0)
    }

    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Calls the listeners with `event`, which is made only if somebody listens.
    pub fn emit(&self, event: impl FnOnce() -> Event) {
        if !self.is_empty() {
            self.call(event(), None);
        }
    }

    /// Calls the listeners of this set and those of `others` with `event`, each once.
    pub(crate) fn emit_with(&self, others: Option<&Self>, event: Event) {
        self.call(event, others);
    }

    /// Queues an event that must arrive in order. Call it under the lock that orders the events,
    /// and [`deliver`](Self::deliver) after that was released.
    pub fn queue(&self, event: impl FnOnce() -> Event) {
        if !self.is_empty() {
            self.queue_with(None, event());
        }
    }

    /// Queues an event that the listeners of `others` receive, too.
    pub(crate) fn queue_with(&self, others: Option<&Self>, event: Event) {
        let mut ordered = self.0.ordered.lock();
        if ordered.queue.len() < Self::MAX_QUEUED {
            ordered.queue.push_back(Queued { event, others: others.cloned() });
        } else {
            ordered.dropped += 1;
        }
    }

    /// Delivers the queued events in order, unless another thread or an outer frame of this one is
    /// doing so already: that one delivers them then.
    pub fn deliver(&self) {
        let mut ordered = self.0.ordered.lock();
        if std::mem::replace(&mut ordered.delivering, true) {
            return;
        }
        while let Some(Queued { event, others }) = ordered.queue.pop_front() {
            drop(ordered);
            self.call(event, others.as_ref());
            // This may be the last reference to a set of listeners.
            self.count_panic(|| drop(others));
            ordered = self.0.ordered.lock();
        }
        ordered.delivering = false;
    }

    #[cold]
    fn call(&self, mut event: Event, others: Option<&Self>) {
        let own = self.entries();
        let rest = others.map(|others| others.entries_without(&own));
        let sets = || [(self, &*own)].into_iter().chain(others.zip(rest.as_deref()));
        if event.opening().is_some() {
            let causes = sets().flat_map(|(set, list)| set.ask(list, |it| it.causes(&event)));
            let causes: Vec<_> = causes.flatten().collect();
            if let Some(opening) = event.opening() {
                opening.add_causes(causes);
            }
        }
        for (set, list) in sets() {
            set.ask(list, |listener| listener.on_event(&event));
        }
        // This may be the last reference to a listener that was removed in the meantime.
        self.count_panic(|| drop((own, rest)));
    }

    fn entries(&self) -> Arc<[Entry]> {
        Arc::clone(&self.0.list.read())
    }

    /// Its listeners that are not in `list`.
    fn entries_without(&self, list: &[Entry]) -> Vec<Entry> {
        let entries = self.entries();
        let others = entries.iter().filter(|it| !list.iter().any(|known| known.is_same_as(it)));
        others.cloned().collect()
    }

    /// The answers of the listeners. One that panics, and one that causes this event itself, gives
    /// none.
    fn ask<R>(&self, list: &[Entry], question: impl Fn(&dyn Listener) -> R) -> Vec<R> {
        let answer = |entry: &Entry| {
            let _running = Running::enter(entry.id)?;
            self.count_panic(|| question(&*entry.listener))
        };
        list.iter().filter_map(answer).collect()
    }

    /// The result of a listener's code; `None` where it panics.
    fn count_panic<R>(&self, code: impl FnOnce() -> R) -> Option<R> {
        let outcome = contain(code);
        if outcome.is_err() {
            self.0.panics.fetch_add(1, Ordering::Relaxed);
        }
        outcome.ok()
    }

    /// How many times a listener panicked.
    pub fn panics(&self) -> u64 {
        self.0.panics.load(Ordering::Relaxed)
    }

    /// How many ordered events were dropped because [`MAX_QUEUED`](Self::MAX_QUEUED) waited.
    pub fn dropped(&self) -> u64 {
        self.0.ordered.lock().dropped
    }
}

impl fmt::Debug for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listeners")
            .field("len", &self.len())
            .field("panics", &self.panics())
            .finish_non_exhaustive()
    }
}
