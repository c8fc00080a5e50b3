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
const SHARDS: usize = 8;

#[derive(Debug)]
pub(crate) struct Tasks {
    gate: Gate,
    shards: [Mutex<Shard>; SHARDS],
}

#[derive(Debug, Default)]
struct Shard {
    slots: Vec<Slot>,
    /// Slots that are free, as a list through `Slot::state`.
    free: Option<u32>,
    /// Whoever comes in is aborted at once: the others have been.
    aborting: bool,
    counts: TaskCounts,
}

#[derive(Debug)]
struct Slot {
    name: Cow<'static, str>,
    /// Tells a task from one that had the slot before it.
    generation: u32,
    blocking: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    Free(Option<u32>),
    /// The task may run already; its handle is not here yet.
    Spawning,
    Running(AbortHandle),
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

/// A task's place among the tracked ones. Gives it up when it is dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    tasks: Arc<Tasks>,
    key: Key,
    finished: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    shard: u8,
    index: u32,
    generation: u32,
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

    #[expect(clippy::cast_possible_truncation, reason = "there are eight shards")]
    pub(crate) fn enter(
        self: &Arc<Self>,
        name: Cow<'static, str>,
        blocking: bool,
    ) -> Result<Entry, Closed> {
        let before = self.gate.enter()?;
        let shard = before % SHARDS;
        let (index, generation) = self.shards[shard].lock().occupy(name, blocking);
        Ok(Entry {
            tasks: Arc::clone(self),
            key: Key { shard: shard as u8, index, generation },
            finished: false,
        })
    }

    /// The task of `key` can be aborted by `handle`, if it is still there.
    pub(crate) fn attach(&self, key: Key, handle: AbortHandle) {
        let late = {
            let mut shard = self.shards[usize::from(key.shard)].lock();
            if shard.aborting { Some(handle) } else { shard.attach(key, handle) }
        };
        // Either aborted in the time between its spawn and here, or over already: then this
        // does nothing. Outside the lock, since the task's drop takes it.
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
        let mut remaining = Vec::new();
        let mut total = 0;
        for shard in &self.shards {
            let mut handles = Vec::new();
            {
                let mut shard = shard.lock();
                if std::mem::replace(&mut shard.aborting, true) {
                    continue;
                }
                for slot in &shard.slots {
                    if let State::Running(handle) = &slot.state {
                        handles.push(handle.clone());
                    }
                    if !matches!(slot.state, State::Free(_)) {
                        total += 1;
                        if remaining.len() < at_most {
                            remaining.push(Remaining {
                                name: slot.name.clone(),
                                blocking: slot.blocking,
                            });
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
    fn occupy(&mut self, name: Cow<'static, str>, blocking: bool) -> (u32, u32) {
        self.counts.started += 1;
        if let Some(index) = self.free {
            let slot = &mut self.slots[index as usize];
            if let State::Free(next) = slot.state {
                self.free = next;
            }
            slot.name = name;
            slot.blocking = blocking;
            slot.state = State::Spawning;
            return (index, slot.generation);
        }
        #[expect(
            clippy::cast_possible_truncation,
            reason = "four thousand million tasks at once in each shard do not fit into memory"
        )]
        let index = self.slots.len() as u32;
        self.slots.push(Slot { name, generation: 0, blocking, state: State::Spawning });
        (index, 0)
    }

    /// Gives the handle back if its task is gone.
    fn attach(&mut self, key: Key, handle: AbortHandle) -> Option<AbortHandle> {
        let slot = &mut self.slots[key.index as usize];
        if slot.generation != key.generation {
            return Some(handle);
        }
        slot.state = State::Running(handle);
        None
    }

    /// Frees the slot; what was in it is dropped by the caller, outside the lock.
    fn vacate(&mut self, key: Key) -> (State, Cow<'static, str>) {
        let next = self.free.replace(key.index);
        let slot = &mut self.slots[key.index as usize];
        slot.generation = slot.generation.wrapping_add(1);
        (std::mem::replace(&mut slot.state, State::Free(next)), std::mem::take(&mut slot.name))
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
        let vacated = {
            let mut shard = self.tasks.shards[usize::from(self.key.shard)].lock();
            let counts = &mut shard.counts;
            if self.finished {
                counts.finished += 1;
            } else if std::thread::panicking() {
                counts.panicked += 1;
            } else {
                counts.aborted += 1;
            }
            shard.vacate(self.key)
        };
        drop(vacated);
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
