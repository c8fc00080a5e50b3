//! Tracked tasks: how many there are, what they are called, and how to abort what is left.

use std::borrow::Cow;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use parking_lot::Mutex;
use pin_project::pin_project;
use tokio::task::AbortHandle;

use crate::gate::Closed;

/// Spread over so many locks that two threads rarely meet on one: a task takes its lock three
/// times in its life, and touches nothing else that is shared.
const SHARDS: u32 = 8;

/// So many tasks that a thread spawns in a row are neighbours, as they are likely to end in a row.
const RUN: u32 = 64;

/// The end of the list of free slots.
const NONE: u32 = u32::MAX;

#[derive(Debug)]
pub(crate) struct Tasks {
    shards: [Line; SHARDS as usize],
    waiting: Mutex<Vec<Waker>>,
}

/// A shard, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Line(Mutex<Shard>);

/// Slots of tasks, and names next to them: when a hundred thousand tasks end at once, what each
/// has to touch decides how long that takes, so an end does not touch its name.
#[derive(Debug)]
struct Shard {
    slots: Vec<Slot>,
    /// The name of a task that is over stays until its slot is taken again.
    names: Vec<Cow<'static, str>>,
    /// The first slot that is free.
    free: u32,
    /// Nobody comes in any more. Whoever is in by then, and brings its handle later, is aborted
    /// at once: the others have been.
    closed: bool,
    /// Somebody waits for the last one to leave. He is woken when this shard is empty, and looks
    /// at the others himself.
    draining: bool,
    counts: TaskCounts,
}

#[derive(Debug)]
enum Slot {
    /// And the next one that is.
    Free(u32),
    /// The task may run already; its handle is not here yet.
    Spawning {
        blocking: bool,
    },
    /// The task is over already; whoever brings its handle frees the slot.
    Over,
    Running {
        blocking: bool,
        handle: AbortHandle,
    },
}

/// What became of the tracked tasks. Started = finished + panicked + aborted + those still there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct TaskCounts {
    /// How many were spawned.
    pub started: u64,
    /// How many came to their end, whatever they gave.
    pub finished: u64,
    /// How many panicked.
    pub panicked: u64,
    /// How many were aborted, or dropped with their runtime.
    pub aborted: u64,
}

impl TaskCounts {
    #[cold]
    fn cut_short(&mut self) {
        if std::thread::panicking() {
            self.panicked += 1;
        } else {
            self.aborted += 1;
        }
    }

    fn still_there(&self) -> usize {
        let left = self.started - self.finished - self.panicked - self.aborted;
        usize::try_from(left).unwrap_or(usize::MAX)
    }

    fn add(self, other: Self) -> Self {
        Self {
            started: self.started + other.started,
            finished: self.finished + other.finished,
            panicked: self.panicked + other.panicked,
            aborted: self.aborted + other.aborted,
        }
    }
}

/// A task's place among the tracked ones. Gives it up when it is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    tasks: Arc<Tasks>,
    key: Key,
    finished: bool,
}

/// Where a task's slot is: the shard in the low bits, the index in the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(u32);

impl Key {
    fn new(shard: u32, index: u32) -> Self {
        Self(index * SHARDS + shard)
    }

    fn shard(self) -> usize {
        (self.0 % SHARDS) as usize
    }

    fn index(self) -> u32 {
        self.0 / SHARDS
    }
}

/// A task that is still there.
pub(crate) struct Remaining {
    pub(crate) name: Cow<'static, str>,
    pub(crate) blocking: bool,
}

thread_local! {
    /// How many tasks this thread has spawned, which says where its next one goes.
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { shards: Default::default(), waiting: Mutex::default() }
    }

    #[inline]
    pub(crate) fn enter(
        self: &Arc<Self>,
        name: Cow<'static, str>,
        blocking: bool,
    ) -> Result<Entry, Closed> {
        let next = NEXT.get();
        NEXT.set(next.wrapping_add(1));
        let shard = next / RUN % SHARDS;
        let index = self.shards[shard as usize].0.lock().occupy(name, blocking)?;
        Ok(Entry { tasks: Arc::clone(self), key: Key::new(shard, index), finished: false })
    }

    /// The task of `key` can be aborted by `handle`, if it is still there.
    #[inline]
    pub(crate) fn attach(&self, key: Key, handle: AbortHandle) {
        let late = self.shards[key.shard()].0.lock().attach(key.index(), handle);
        // Either over already, and then this does nothing, or all were aborted in the time between
        // its spawn and here. Outside the lock, since the task's drop takes it.
        if let Some(handle) = late {
            handle.abort();
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.counts().still_there()
    }

    /// Ready when no task is there, and none is let in any more by then: that is found and done
    /// under all locks at once.
    pub(crate) fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut shards = self.shards.each_ref().map(|shard| shard.0.lock());
        if shards.iter().all(|shard| shard.is_empty()) {
            for shard in &mut shards {
                shard.closed = true;
            }
            return Poll::Ready(());
        }
        for shard in &mut shards {
            shard.draining = true;
        }
        let mut waiting = self.waiting.lock();
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }

    /// Lets no task in any more, aborts those that are there, and gives the first `at_most` of
    /// them and how many there are in all.
    pub(crate) fn abort_all(&self, at_most: usize) -> (Vec<Remaining>, usize) {
        let mut remaining = Vec::new();
        let mut total = 0;
        for shard in &self.shards {
            let handles = {
                let mut shard = shard.0.lock();
                // Who is closed has been aborted, or is empty. And the slots of all that ever were
                // at once need not be looked through to find that none is taken.
                if std::mem::replace(&mut shard.closed, true) || shard.is_empty() {
                    continue;
                }
                total += shard.counts.still_there();
                let listed = at_most - remaining.len();
                remaining.extend(shard.still_there().take(listed));
                shard.handles()
            };
            for handle in handles {
                handle.abort();
            }
        }
        (remaining, total)
    }

    pub(crate) fn counts(&self) -> TaskCounts {
        self.shards
            .iter()
            .map(|shard| shard.0.lock().counts)
            .fold(TaskCounts::default(), TaskCounts::add)
    }

    #[cold]
    fn wake(&self) {
        let waiting = std::mem::take(&mut *self.waiting.lock());
        for waker in waiting {
            waker.wake();
        }
    }
}

impl Default for Shard {
    fn default() -> Self {
        Self {
            slots: Vec::new(),
            names: Vec::new(),
            free: NONE,
            closed: false,
            draining: false,
            counts: TaskCounts::default(),
        }
    }
}

impl Shard {
    fn is_empty(&self) -> bool {
        self.counts.still_there() == 0
    }

    #[inline]
    fn occupy(&mut self, name: Cow<'static, str>, blocking: bool) -> Result<u32, Closed> {
        if self.closed {
            return Err(Closed);
        }
        self.counts.started += 1;
        let index = self.free;
        if let Some(slot) = self.slots.get_mut(index as usize)
            && let Slot::Free(next) = *slot
        {
            self.free = next;
            *slot = Slot::Spawning { blocking };
            self.names[index as usize] = name;
            return Ok(index);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "four thousand million tasks at once do not fit into memory"
        )]
        let index = self.slots.len() as u32;
        self.slots.push(Slot::Spawning { blocking });
        self.names.push(name);
        Ok(index)
    }

    /// Gives the handle back if its task is over, or to be aborted.
    #[inline]
    fn attach(&mut self, index: u32, handle: AbortHandle) -> Option<AbortHandle> {
        let slot = &mut self.slots[index as usize];
        let Slot::Spawning { blocking } = *slot else {
            self.release(index);
            return Some(handle);
        };
        let late = self.closed.then(|| handle.clone());
        *slot = Slot::Running { blocking, handle };
        late
    }

    /// The task is over. Its handle is dropped by the caller, outside the lock.
    #[inline]
    fn leave(&mut self, index: u32) -> Slot {
        let slot = &mut self.slots[index as usize];
        if let Slot::Spawning { .. } = slot {
            return std::mem::replace(slot, Slot::Over);
        }
        self.release(index)
    }

    #[inline]
    fn release(&mut self, index: u32) -> Slot {
        let free = Slot::Free(std::mem::replace(&mut self.free, index));
        std::mem::replace(&mut self.slots[index as usize], free)
    }

    fn still_there(&self) -> impl Iterator<Item = Remaining> {
        self.slots.iter().zip(&self.names).filter_map(|(slot, name)| match *slot {
            Slot::Spawning { blocking } | Slot::Running { blocking, .. } => {
                Some(Remaining { name: name.clone(), blocking })
            }
            Slot::Free(_) | Slot::Over => None,
        })
    }

    fn handles(&self) -> Vec<AbortHandle> {
        let running = self.slots.iter().filter_map(|slot| match slot {
            Slot::Running { handle, .. } => Some(handle.clone()),
            Slot::Free(_) | Slot::Over | Slot::Spawning { .. } => None,
        });
        running.collect()
    }
}

impl Entry {
    pub(crate) fn key(&self) -> Key {
        self.key
    }

    pub(crate) fn finish(&mut self) {
        self.finished = true;
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        let (slot, is_last) = {
            let mut shard = self.tasks.shards[self.key.shard()].0.lock();
            let counts = &mut shard.counts;
            if self.finished {
                counts.finished += 1;
            } else {
                counts.cut_short();
            }
            (shard.leave(self.key.index()), shard.draining && shard.is_empty())
        };
        drop(slot);
        if is_last {
            self.tasks.wake();
        }
    }
}

/// A tracked future. It is dropped before its place is given up, so what it holds is gone when
/// the drain is seen complete.
#[pin_project]
#[derive(Debug)]
pub(crate) struct Tracked<Fut> {
    #[pin]
    future: Fut,
    entry: Entry,
}

impl<Fut> Tracked<Fut> {
    pub(crate) fn new(future: Fut, entry: Entry) -> Self {
        Self { future, entry }
    }
}

impl<Fut: Future> Future for Tracked<Fut> {
    type Output = Fut::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        let this = self.project();
        let output = ready!(this.future.poll(cx));
        this.entry.finish();
        Poll::Ready(output)
    }
}
