//! What a bulkhead and an adaptive limit are made of: so many calls in flight, the rest waits or
//! is refused.
//!
//! Facts that hold at every moment:
//!
//! 1. In flight, limit and the two flags are one atomic word, so admission is one exchange and a
//!    new limit can't be missed by it.
//! 2. The waiters' flag is set and cleared under the queue's lock only, and is set exactly while
//!    somebody waits. While it is set, permits are taken under that lock only: by
//!    [`Gate::hand_out`], and by who goes before all that wait.
//! 3. Whoever frees a permit looks at the flag in the same exchange. A waiter sets it in an
//!    exchange that fails if a permit was freed since it looked. So either the waiter sees the
//!    free permit, or who frees it sees the waiter.
//! 4. Whoever comes to stand at the head of the queue, by arriving or because another went, looks
//!    for a free permit once it stands there: what kept the one before it waiting need not keep it.
//! 5. A waiter that is gone while a permit was granted to it frees that permit like any other.

use std::task::{Poll, Waker};

use tokio::time::Instant;

pub(crate) use codel::Standing;
pub(crate) use demand::Demand;
pub use demand::Priority;
pub(crate) use limiter::{Arrival, Entrance, Wait};
pub(crate) use partition::{Partition, Shares};
pub(crate) use queue::{Key, Order, QueueConfig, Verdict};
pub(crate) use word::{MAX_LIMIT, Word};

use crate::sync::{AtomicU64, Mutex, Ordering};
use crate::wake::let_go;
use queue::{Queue, Settled};

mod codel;
mod demand;
mod fair_queue;
mod limiter;
mod partition;
mod queue;
mod word;

/// So many calls in flight, the rest waits or is refused.
#[derive(Debug)]
pub(crate) struct Gate {
    word: AtomicU64,
    queue: Mutex<Queue>,
    shares: Shares,
}

/// What became of a call that found the gate full.
#[derive(Debug)]
pub(crate) enum Entry {
    /// A permit came free in the meantime.
    Entered,
    /// It waits.
    Waits(Key),
    /// There is no place to wait in. Says how many wait.
    NoPlace { queued: u32 },
}

impl Gate {
    pub(crate) fn new(limit: u32, queue: QueueConfig, shares: Shares) -> Self {
        Self {
            word: AtomicU64::new(Word::new(limit).bits()),
            queue: Mutex::new(Queue::new(queue, shares.len())),
            shares,
        }
    }

    /// Takes a permit if one is free and nobody waits for it. Gives the word as it is with it.
    #[inline]
    pub(crate) fn try_enter(&self, demand: &Demand) -> Result<Word, Word> {
        let mut word = Word::from_bits(self.word.load(Ordering::Relaxed));
        loop {
            if !word.admits(demand) {
                return Err(word);
            }
            // Acquire: what the last holder of this permit wrote happened before.
            match self.word.compare_exchange_weak(
                word.bits(),
                word.plus(demand.weight).bits(),
                Ordering::Acquire,
                Ordering::Relaxed,
            ) {
                Ok(_) => break,
                Err(now) => word = Word::from_bits(now),
            }
        }
        self.shares.entered(demand);
        Ok(word.plus(demand.weight))
    }

    /// Gives a permit back.
    #[inline]
    pub(crate) fn leave(&self, demand: &Demand) {
        self.shares.left(demand);
        // Release: what this holder wrote happened before the next one takes the permit. Acquire,
        // for the waiters' flag: the queue is looked at only after.
        let before = self.word.fetch_sub(Word::weight(demand.weight), Ordering::AcqRel);
        if Word::from_bits(before).has_waiters() {
            self.hand_out();
        }
    }

    /// Takes a permit that came free since the try, or a place in the queue. Wakes who had to make
    /// room for a call of a higher priority.
    #[cold]
    pub(crate) fn enter_or_queue(&self, demand: Demand, now: Instant) -> Entry {
        let mut queue = self.queue.lock();
        if self.take_or_flag(demand, &queue) {
            self.shares.entered(&demand);
            return Entry::Entered;
        }
        let word = self.word();
        let fits = demand.can_fit(word.limit()) && !word.is_closed();
        let pushed = if fits { queue.push(demand, now) } else { None };
        let Some((key, evicted)) = pushed else {
            self.unflag_if_empty(&queue);
            return Entry::NoPlace { queued: queue.len() };
        };
        // Fact 4. Alone in the queue it found no room in the exchange in which it set the flag.
        let head_changed = evicted.is_some() || (queue.len() > 1 && queue.is_head(key));
        drop(queue);
        evicted.into_iter().for_each(Settled::wake);
        if head_changed {
            self.hand_out();
        }
        Entry::Waits(key)
    }

    /// Takes a free permit if the call goes before all who wait for one.
    #[cold]
    pub(crate) fn try_enter_first(&self, demand: &Demand) -> bool {
        let queue = self.queue.lock();
        let mut word = self.word();
        while self.goes_first(demand, word, &queue) {
            match self.exchange(word, word.plus(demand.weight)) {
                Ok(()) => {
                    self.shares.entered(demand);
                    return true;
                }
                Err(now) => word = now,
            }
        }
        false
    }

    // Whether there is room for a call, and nobody waits for it who goes before.
    fn goes_first(&self, demand: &Demand, word: Word, queue: &Queue) -> bool {
        let word = word.without_waiters();
        let is_below = |partition| self.shares.is_below(partition, word.limit());
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

    /// Grants free permits to waiters for as long as both are there. Wakes outside the lock.
    #[cold]
    pub(crate) fn hand_out(&self) {
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

    // `None`: nobody waits, or the next in line has to go on waiting.
    fn settle_next(&self, queue: &mut Queue) -> Option<Settled> {
        loop {
            let word = self.word();
            let is_below = |partition| self.shares.is_below(partition, word.limit());
            let has_room = |demand: &Demand| word.without_waiters().admits(demand);
            let (key, demand) = queue.next(is_below, has_room)?;
            if queue.sheds()
                && let Some(shed) = queue.shed_standing(key, Instant::now())
            {
                return Some(shed);
            }
            if self.exchange(word, word.plus(demand.weight)).is_ok() {
                self.shares.entered(&demand);
                return queue.settle(key, Verdict::Granted);
            }
        }
    }

    /// Looks whether a waiter was granted its permit, and leaves `waker` to be woken if not.
    pub(crate) fn poll_waiter(&self, key: Key, waker: &Waker) -> Poll<Verdict> {
        // Neither cloned nor dropped under the lock: what a waker drops may be a task that holds a
        // permit of this gate.
        let waker = waker.clone();
        let (verdict, unneeded) = self.queue.lock().poll(key, waker);
        let_go(unneeded);
        verdict
    }

    /// A waiter goes away. Gives the verdict if there was one, in which case a granted permit is
    /// the caller's.
    pub(crate) fn forget_waiter(&self, key: Key) -> Option<Verdict> {
        let mut queue = self.queue.lock();
        let (verdict, waker) = queue.remove(key);
        self.unflag_if_empty(&queue);
        let others_wait = queue.len() > 0;
        drop(queue);
        if verdict.is_none() && others_wait {
            // It may have been a heavy one that stood before lighter ones.
            self.hand_out();
        }
        // Not under the lock: see `poll_waiter`.
        let_go(waker);
        verdict
    }

    /// Sets another limit; gives the one before. Waiters that weigh more than what the new limit
    /// leaves them are turned away, as they would stand before the others for ever.
    pub(crate) fn resize(&self, limit: u32) -> u32 {
        let mut word = self.word();
        while let Err(now) = self.exchange(word, word.with_limit(limit)) {
            word = now;
        }
        if word.has_waiters() {
            self.turn_away_too_heavy().into_iter().for_each(Settled::wake);
            self.hand_out();
        }
        word.limit()
    }

    fn turn_away_too_heavy(&self) -> Vec<Settled> {
        let mut queue = self.queue.lock();
        // By the limit as it is now: another may have been set meanwhile, and whoever came after
        // that has to fit that one.
        let limit = self.word().limit();
        queue.settle_where(Verdict::TooHeavy, |demand| !demand.can_fit(limit))
    }

    /// Turns everybody away from now on, those that wait too.
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

    /// How many wait.
    pub(crate) fn queued(&self) -> u32 {
        self.queue.lock().len()
    }

    pub(crate) fn shares(&self) -> &Shares {
        &self.shares
    }
}
