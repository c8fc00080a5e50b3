//! What calls read and write while nothing is wrong, so that they take no lock.
//!
//! 1. A call enters by one addition to the requests in flight, and leaves by one to the answers and one
//!    subtraction. The other words are written under the lock only.
//! 2. While calls wait the free limit is 0. A waiter sets it to 0 and then reads what is in flight; a call
//!    that leaves subtracts itself and then reads the free limit. In any order one of them sees the
//!    other, so no waiter is left behind by the last call in flight.
//! 3. A call that enters in vain is in flight for a moment. It then takes the lock, and settles the
//!    waiters that this may have held up.

use seawall_core::sync::{AtomicU64, Ordering};

use super::defaults::{BATCH, BATCH_TIME};
use super::machine::Batch;

#[derive(Debug)]
pub(super) struct Words {
    in_flight: AtomicU64,
    /// Answers that were not learned yet: their number, and the nanoseconds that they took.
    answers: AtomicU64,
    /// As many may be in flight; 0 where calls have to take the lock.
    free_limit: AtomicU64,
    /// The shortest deadline of late.
    deadline: AtomicU64,
    /// When the answers are to be learned.
    learn_at: AtomicU64,
}

/// What a call has to do that left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Left {
    Done,
    /// It is still in flight: it has to end under the lock.
    Not,
    /// Somebody waits.
    Waited,
    /// The answers are to be learned.
    Learns,
}

const COUNT_BITS: u32 = 16;

/// Longer ones would not fit.
const LONGEST: u64 = 1 << 38;

impl Words {
    pub(super) fn new() -> Self {
        let word = || AtomicU64::new(0);
        Self {
            in_flight: word(),
            answers: word(),
            free_limit: word(),
            deadline: word(),
            learn_at: word(),
        }
    }

    /// Enters, if nothing is wrong, there is room, and the call has as much time as others.
    #[inline]
    pub(super) fn try_enter(&self, time: u64) -> bool {
        let limit = self.free_limit.load(Ordering::Relaxed);
        if limit == 0 || time < self.deadline.load(Ordering::Relaxed) {
            return false;
        }
        if self.in_flight.fetch_add(1, Ordering::SeqCst) < limit {
            return true;
        }
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        false
    }

    /// Leaves with an answer that took `took` nanoseconds, if nothing is wrong.
    #[inline]
    pub(super) fn leave(&self, now: u64, took: u64) -> Left {
        if self.free_limit.load(Ordering::Relaxed) == 0 || took >= LONGEST {
            return Left::Not;
        }
        let before = self.answers.fetch_add((took << COUNT_BITS) + 1, Ordering::Relaxed);
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        if self.free_limit.load(Ordering::SeqCst) == 0 {
            return Left::Waited;
        }
        let count = before & ((1 << COUNT_BITS) - 1);
        let is_time = count >= BATCH || now >= self.learn_at.load(Ordering::Relaxed);
        if is_time { Left::Learns } else { Left::Done }
    }

    /// The answers that were not learned yet, once.
    pub(super) fn take(&self) -> Option<Batch> {
        let answers = self.answers.swap(0, Ordering::Relaxed);
        let count = u32::try_from(answers & ((1 << COUNT_BITS) - 1)).unwrap_or(0);
        (count > 0).then_some(Batch { count, took: answers >> COUNT_BITS })
    }

    pub(super) fn in_flight(&self) -> u32 {
        u32::try_from(self.in_flight.load(Ordering::SeqCst)).unwrap_or(u32::MAX)
    }

    /// What was `before` is `after`; calls that took no lock may have entered and left since.
    pub(super) fn change_in_flight(&self, before: u32, after: u32) {
        if after > before {
            self.in_flight.fetch_add((after - before).into(), Ordering::SeqCst);
        } else if after < before {
            self.in_flight.fetch_sub((before - after).into(), Ordering::SeqCst);
        }
    }

    /// Says how calls may enter from now on; whether they could before, and can no longer.
    pub(super) fn publish(&self, now: u64, free_limit: u32, deadline: u64) -> bool {
        self.deadline.store(deadline, Ordering::Relaxed);
        self.learn_at.store(now.saturating_add(BATCH_TIME), Ordering::Relaxed);
        let before = self.free_limit.swap(free_limit.into(), Ordering::SeqCst);
        before > 0 && free_limit == 0
    }
}
