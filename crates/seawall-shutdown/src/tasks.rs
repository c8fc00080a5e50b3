//! Tracked tasks: how many there are, what they are called, and how to abort what is left.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use pin_project::pin_project;
use tokio::task::AbortHandle;

use crate::gate::{Closed, Gate};

/// Spread over so many locks that two threads rarely meet on one: a task takes its lock three
/// times in its life.
const SHARDS: u32 = 8;

#[derive(Debug)]
pub(crate) struct Tasks {
    gate: Gate,
    shards: [Mutex<Shard>; SHARDS as usize],
}

/// Slots of tasks, as columns: when a hundred thousand tasks end at once, what each has to touch
/// decides how long that takes, so an end touches neither names nor anything as wide as one.
#[derive(Debug, Default)]
struct Shard {
    states: Vec<State>,
    handles: Vec<Option<AbortHandle>>,
    /// The name of a task that is over stays until its slot is taken again.
    labels: Vec<Label>,
    /// Slots that are free.
    free: Vec<u32>,
    /// Whoever comes in is aborted at once: the others have been.
    aborting: bool,
    counts: TaskCounts,
}

#[derive(Debug)]
struct Label {
    name: Cow<'static, str>,
    blocking: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Free,
    /// The task may run already; its handle is not here yet.
    Spawning,
    /// The task is over already; whoever brings its handle frees the slot.
    Over,
    Running,
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

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { gate: Gate::new(), shards: std::array::from_fn(|_| Mutex::default()) }
    }

    pub(crate) fn enter(
        self: &Arc<Self>,
        name: Cow<'static, str>,
        blocking: bool,
    ) -> Result<Entry, Closed> {
        let before = self.gate.enter()?;
        #[expect(clippy::cast_possible_truncation, reason = "only the low bits are wanted")]
        let shard = before as u32 % SHARDS;
        let index = self.shards[shard as usize].lock().occupy(name, blocking);
        Ok(Entry { tasks: Arc::clone(self), key: Key::new(shard, index), finished: false })
    }

    /// The task of `key` can be aborted by `handle`, if it is still there.
    pub(crate) fn attach(&self, key: Key, handle: AbortHandle) {
        let late = self.shards[key.shard()].lock().attach(key, handle);
        // Either over already, and then this does nothing, or all were aborted in the time between
        // its spawn and here. Outside the lock, since the task's drop takes it.
        if let Some(handle) = late {
            handle.abort();
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.gate.inside()
    }

    pub(crate) fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.gate.poll_drained(cx)
    }

    /// Lets no task in any more, aborts those that are there, and gives the first `at_most` of
    /// them and how many there are in all.
    pub(crate) fn abort_all(&self, at_most: usize) -> (Vec<Remaining>, usize) {
        self.gate.close();
        // Nobody comes in any more, so this stays true. The slots of all that ever were at once
        // need not be looked through to find that none is taken.
        if self.gate.inside() == 0 {
            return (Vec::new(), 0);
        }
        let mut remaining = Vec::new();
        let mut total = 0;
        for shard in &self.shards {
            let mut handles = Vec::new();
            {
                let mut shard = shard.lock();
                if std::mem::replace(&mut shard.aborting, true) {
                    continue;
                }
                handles.extend(shard.handles.iter().flatten().cloned());
                for (state, label) in shard.states.iter().zip(&shard.labels) {
                    if matches!(state, State::Spawning | State::Running) {
                        total += 1;
                        if remaining.len() < at_most {
                            let name = label.name.clone();
                            remaining.push(Remaining { name, blocking: label.blocking });
                        }
                    }
                }
            }
            for handle in handles {
                handle.abort();
            }
        }
        (remaining, total)
    }

    pub(crate) fn counts(&self) -> TaskCounts {
        self.shards.iter().map(|shard| shard.lock().counts).fold(
            TaskCounts::default(),
            |sum, counts| TaskCounts {
                started: sum.started + counts.started,
                finished: sum.finished + counts.finished,
                panicked: sum.panicked + counts.panicked,
                aborted: sum.aborted + counts.aborted,
            },
        )
    }
}

impl Shard {
    #[inline]
    fn occupy(&mut self, name: Cow<'static, str>, blocking: bool) -> u32 {
        self.counts.started += 1;
        let label = Label { name, blocking };
        if let Some(index) = self.free.pop() {
            self.states[index as usize] = State::Spawning;
            self.labels[index as usize] = label;
            return index;
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "four thousand million tasks at once do not fit into memory"
        )]
        let index = self.states.len() as u32;
        self.states.push(State::Spawning);
        self.handles.push(None);
        self.labels.push(label);
        index
    }

    /// Gives the handle back if its task is over, or to be aborted.
    #[inline]
    fn attach(&mut self, key: Key, handle: AbortHandle) -> Option<AbortHandle> {
        let index = key.index() as usize;
        if self.states[index] == State::Over {
            self.states[index] = State::Free;
            self.free.push(key.index());
            return Some(handle);
        }
        let late = self.aborting.then(|| handle.clone());
        self.states[index] = State::Running;
        self.handles[index] = Some(handle);
        late
    }

    /// The task is over. Its handle is dropped by the caller, outside the lock.
    #[inline]
    fn leave(&mut self, key: Key) -> Option<AbortHandle> {
        let index = key.index() as usize;
        if self.states[index] == State::Spawning {
            self.states[index] = State::Over;
            return None;
        }
        self.states[index] = State::Free;
        self.free.push(key.index());
        self.handles[index].take()
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
    fn drop(&mut self) {
        let handle = {
            let mut shard = self.tasks.shards[self.key.shard()].lock();
            let counts = &mut shard.counts;
            if self.finished {
                counts.finished += 1;
            } else {
                counts.cut_short();
            }
            shard.leave(self.key)
        };
        drop(handle);
        self.tasks.gate.leave();
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
