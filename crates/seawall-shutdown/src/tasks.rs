//! Tracked tasks: how many there are, what they are called, and how to abort what is left.

use std::borrow::Cow;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use pin_project::pin_project;
use seawall_core::{WakerSlot, Wakers};
use tokio::task::AbortHandle;

use crate::closable_count::Closed;
pub use counts::TaskCounts;
pub(crate) use shard::Remaining;
use shard::Shard;

mod counts;
mod shard;

/// The number of locks, so that two threads rarely meet on one: a task takes its lock three times
/// in its life, and touches nothing else that is shared.
const SHARDS: u32 = 8;

/// The number of tasks that a thread spawns into one shard in a row: neighbours are likely to end
/// one after the other.
const RUN: u32 = 64;

#[derive(Debug)]
pub(crate) struct Tasks {
    shards: [Padded; SHARDS as usize],
    waiters: Wakers,
}

/// A shard, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Padded(Mutex<Shard>);

/// A task's slot. Gives it up when it is dropped.
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

thread_local! {
    /// How many tasks this thread has spawned, which decides the shard of its next one.
    static NEXT: Cell<u32> = const { Cell::new(0) };
}

impl Tasks {
    pub(crate) fn new() -> Self {
        Self { shards: Default::default(), waiters: Wakers::new() }
    }

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
    pub(crate) fn attach(&self, key: Key, handle: AbortHandle) {
        let late = self.shards[key.shard()].0.lock().attach(key.index(), handle);
        // Either the task is over already, and then this does nothing, or all tasks were aborted
        // between its spawn and here. Outside the lock, since the task's drop takes it.
        if let Some(handle) = late {
            handle.abort();
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.counts().still_there()
    }

    /// Ready when there is no task, and no new one is accepted by then: both under all locks at
    /// once.
    pub(crate) fn poll_drained(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Before the locks are taken: a task that ends after that finds the waker.
        self.waiters.register(&mut WakerSlot::driver(), cx.waker());
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
        Poll::Pending
    }

    /// Refuses new tasks, aborts those that are there, and gives the first `at_most` of them and
    /// how many there are in all.
    pub(crate) fn abort_all(&self, at_most: usize) -> (Vec<Remaining>, usize) {
        let mut remaining = Vec::new();
        let mut total = 0;
        for shard in &self.shards {
            let handles = {
                let mut shard = shard.0.lock();
                // A closed shard has been aborted, or is empty. And an empty one need not be
                // searched: it has a slot for each task that it ever had at once.
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
            self.tasks.waiters.wake_all();
        }
    }
}

/// A tracked future. It is dropped before its slot is given up, so what it holds is gone when the
/// drain is seen complete.
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

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        let this = self.project();
        let output = ready!(this.future.poll(cx));
        this.entry.finish();
        Poll::Ready(output)
    }
}
