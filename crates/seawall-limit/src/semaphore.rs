//! The semaphore under a bulkhead and an adaptive limit: it bounds the calls in flight, and lets
//! the rest wait or refuses them.
//!
//! Facts that hold at every moment:
//!
//! 1. In flight, limit and the two flags are one atomic word, so admission is one exchange and a
//!    new limit can't be missed by it.
//! 2. The waiters' flag is set and cleared under the queue's lock only, and is set exactly while
//!    there are waiters. While it is set, permits are taken under that lock only: by
//!    [`Semaphore::grant`], and by calls that go before all waiters.
//! 3. Whoever frees a permit looks at the flag in the same exchange. A waiter sets it in an
//!    exchange that fails if a permit was freed since it looked. So either the waiter sees the free
//!    permit, or the call that frees it sees the waiter.
//! 4. A waiter that gets to the head of the queue, by arriving or because another left, then looks
//!    for a free permit: what kept the one before it waiting need not keep it.
//! 5. A waiter that is gone when a permit is granted to it frees that permit like any other.

use std::task::{Poll, Waker};

use tokio::time::Instant;

pub(crate) use codel::CoDel;
pub(crate) use demand::Demand;
pub use demand::Priority;
pub(crate) use limiter::{Limiter, Wait};
pub(crate) use partition::{Partition, Partitions};
pub(crate) use queue::{Key, Order, QueueConfig, Verdict};
pub(crate) use shares::{Headroom, Shares};
pub(crate) use word::{MAX_LIMIT, Word};

use queue::{Queue, Settled};
use seawall_core::sync::{AtomicU64, Mutex, Ordering};
use seawall_core::wakers::discard;

mod codel;
mod demand;
mod fair_queue;
mod limiter;
mod partition;
mod queue;
mod shares;
mod word;

/// Permits for a limited number of calls in flight, and a queue.
#[derive(Debug)]
pub(crate) struct Semaphore {
    word: AtomicU64,
    queue: Mutex<Queue>,
    partitions: Partitions,
}

/// The answer to a call that found no permit and may wait.
#[derive(Debug)]
pub(crate) enum Queued {
    /// A permit was freed in between.
    Acquired,
    Waiting(Key),
    /// There is no place to wait in.
    Refused {
        waiters: u32,
    },
}

impl Semaphore {
    pub(crate) fn new(limit: u32, queue: QueueConfig, partitions: Partitions) -> Self {
        Self {
            word: AtomicU64::new(Word::new(limit).bits()),
            queue: Mutex::new(Queue::new(queue, partitions.as_slice().len())),
            partitions,
        }
    }

    /// Takes a permit if one is free and nobody waits. Returns the word with that permit taken, or
    /// the word that admits none.
    #[inline]
    pub(crate) fn try_acquire(&self, demand: &Demand) -> Result<Word, Word> {
        let mut word = Word::from_bits(self.word.load(Ordering::Relaxed));
        while word.admits(demand) {
            let taken = word.plus(demand.weight);
            // Acquire: what the last holder of this permit wrote happened before.
            let (success, failure) = (Ordering::Acquire, Ordering::Relaxed);
            match self.word.compare_exchange_weak(word.bits(), taken.bits(), success, failure) {
                Ok(_) => {
                    self.partitions.acquired(demand);
                    return Ok(taken);
                }
                Err(now) => word = Word::from_bits(now),
            }
        }
        Err(word)
    }

    /// Gives a permit back.
    #[inline]
    pub(crate) fn release(&self, demand: &Demand) {
        self.partitions.released(demand);
        // Release: what this holder wrote happened before the next one takes the permit. Acquire,
        // for the waiters' flag: the queue is looked at only after.
        let before = self.word.fetch_sub(Word::weight(demand.weight), Ordering::AcqRel);
        if Word::from_bits(before).has_waiters() {
            self.grant();
        }
    }

    /// Takes a permit that was freed since the try, or a place in the queue. Wakes the waiter that
    /// had to make room for a more important call.
    pub(crate) fn acquire_or_queue(&self, demand: Demand, now: Instant) -> Queued {
        let mut queue = self.queue.lock();
        if self.take_or_flag(demand, &queue) {
            self.partitions.acquired(&demand);
            return Queued::Acquired;
        }
        let word = self.word();
        let fits = demand.can_fit(word.limit()) && !word.is_closed();
        let pushed = if fits { queue.push(demand, now) } else { None };
        let Some((key, evicted)) = pushed else {
            self.unflag_if_empty(&queue);
            return Queued::Refused { waiters: queue.len() };
        };
        // Fact 4. Alone in the queue it found no room in the exchange in which it set the flag.
        let head_changed = evicted.is_some() || (queue.len() > 1 && queue.is_head(key));
        drop(queue);
        evicted.into_iter().for_each(Settled::wake);
        if head_changed {
            self.grant();
        }
        Queued::Waiting(key)
    }

    /// Takes a free permit if the call goes before all waiters.
    pub(crate) fn try_acquire_first(&self, demand: &Demand) -> bool {
        let queue = self.queue.lock();
        let mut word = self.word();
        while self.goes_first(demand, word, &queue) {
            match self.exchange(word, word.plus(demand.weight)) {
                Ok(()) => {
                    self.partitions.acquired(demand);
                    return true;
                }
                Err(now) => word = now,
            }
        }
        false
    }

    // Whether there is room for a call, and no waiter for it that goes before.
    fn goes_first(&self, demand: &Demand, word: Word, queue: &Queue) -> bool {
        let word = word.without_waiters();
        let is_below = |partition| self.partitions.is_below_share(partition, word.limit());
        word.admits(demand) && !queue.holds_up(demand, is_below, |other| word.admits(other))
    }

    // One exchange that either takes a permit or sets the waiters' flag: see fact 3.
    fn take_or_flag(&self, demand: Demand, queue: &Queue) -> bool {
        let mut word = self.word();
        loop {
            let takes = self.goes_first(&demand, word, queue);
            let next = if takes { word.plus(demand.weight) } else { word.with_waiters() };
            match self.exchange(word, next) {
                Ok(()) => return takes,
                Err(now) => word = now,
            }
        }
    }

    fn exchange(&self, from: Word, to: Word) -> Result<(), Word> {
        self.word
            .compare_exchange(from.bits(), to.bits(), Ordering::AcqRel, Ordering::Acquire)
            .map(drop)
            .map_err(Word::from_bits)
    }

    fn unflag_if_empty(&self, queue: &Queue) {
        if queue.len() == 0 {
            self.word.fetch_and(!Word::WAITERS, Ordering::AcqRel);
        }
    }

    /// Grants free permits to waiters for as long as there are both. Wakes outside the lock.
    #[cold]
    pub(crate) fn grant(&self) {
        loop {
            let mut queue = self.queue.lock();
            let settled = self.settle_next(&mut queue);
            self.unflag_if_empty(&queue);
            drop(queue);
            match settled {
                Some(settled) => settled.wake(),
                None => return,
            }
        }
    }

    // `None` where nobody waits, or where the next waiter has to go on waiting.
    fn settle_next(&self, queue: &mut Queue) -> Option<Settled> {
        loop {
            let word = self.word();
            let is_below = |partition| self.partitions.is_below_share(partition, word.limit());
            let has_room = |demand: &Demand| word.without_waiters().admits(demand);
            let (key, demand) = queue.next(is_below, has_room)?;
            if queue.has_codel()
                && let Some(dropped) = queue.drop_late(key, Instant::now())
            {
                return Some(dropped);
            }
            if self.exchange(word, word.plus(demand.weight)).is_ok() {
                self.partitions.acquired(&demand);
                return queue.settle(key, Verdict::Granted);
            }
        }
    }

    /// The verdict on a waiter, or `waker` is kept until there is one.
    pub(crate) fn poll_waiter(&self, key: Key, waker: &Waker) -> Poll<Verdict> {
        // Neither cloned nor dropped under the lock: what a waker drops may be a task that holds a
        // permit of this semaphore.
        let waker = waker.clone();
        let (verdict, unneeded) = self.queue.lock().poll(key, waker);
        discard(unneeded);
        verdict
    }

    /// Removes a waiter that goes away. Returns the verdict if there was one; a granted permit is
    /// then the caller's.
    pub(crate) fn remove_waiter(&self, key: Key) -> Option<Verdict> {
        let mut queue = self.queue.lock();
        let (verdict, waker) = queue.remove(key);
        self.unflag_if_empty(&queue);
        let others_wait = queue.len() > 0;
        drop(queue);
        if verdict.is_none() && others_wait {
            // It may have been a heavy one at the head, before lighter ones.
            self.grant();
        }
        // Not under the lock: see `poll_waiter`.
        discard(waker);
        verdict
    }

    /// Sets another limit and returns the one before. Waiters that weigh more than the new limit
    /// leaves them are refused, as they would hold up the others and never be served.
    pub(crate) fn resize(&self, limit: u32) -> u32 {
        let mut word = self.word();
        while let Err(now) = self.exchange(word, word.with_limit(limit)) {
            word = now;
        }
        if word.has_waiters() {
            self.refuse_too_heavy().into_iter().for_each(Settled::wake);
            self.grant();
        }
        word.limit()
    }

    fn refuse_too_heavy(&self) -> Vec<Settled> {
        let mut queue = self.queue.lock();
        // By the limit as it is now: another may have been set in between, and calls that came
        // after that have to fit that one.
        let limit = self.word().limit();
        queue.settle_where(Verdict::TooHeavy, |demand| !demand.can_fit(limit))
    }

    /// Refuses all calls from now on, waiters included.
    pub(crate) fn close(&self) {
        self.word.fetch_or(Word::CLOSED, Ordering::AcqRel);
        let mut queue = self.queue.lock();
        let settled = queue.settle_where(Verdict::Closed, |_| true);
        self.unflag_if_empty(&queue);
        drop(queue);
        settled.into_iter().for_each(Settled::wake);
    }

    pub(crate) fn word(&self) -> Word {
        Word::from_bits(self.word.load(Ordering::Acquire))
    }

    /// How many calls wait.
    pub(crate) fn waiters(&self) -> u32 {
        self.queue.lock().len()
    }

    /// How many calls may wait.
    pub(crate) fn queue_capacity(&self) -> u32 {
        self.queue.lock().capacity()
    }

    pub(crate) const fn partitions(&self) -> &[Partition] {
        self.partitions.as_slice()
    }
}
