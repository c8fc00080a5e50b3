//! Outcomes that the machine has not been told of, in the order in which they came.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Release};

use crate::machine::Outcomes;
use crate::sync::AtomicU64;

/// Up to 31 outcomes in one word, so that an outcome that can't open the circuit takes no lock and
/// still has its place among the others.
///
/// From the lowest bit on: the outcomes, the newest first, with a 1 above the oldest (32 bits); how
/// many more failures there may be before the machine has to look (5 bits); the generation that the
/// outcomes belong to (27 bits). The word says all that a thread has to know before it changes it,
/// so whatever happened between its look and its exchange, if the word is the same the exchange is
/// right.
#[derive(Debug)]
pub(crate) struct Log(AtomicU64);

const OUTCOMES: u64 = (1 << 32) - 1;
/// No outcome is in it; the 1 stands above none.
const EMPTY: u64 = 1;
const FULL: u64 = 1 << 31;
const ONE_TO_SPARE: u64 = 1 << 32;
const SPARE: u64 = Log::MOST_TO_SPARE as u64 * ONE_TO_SPARE;
const GENERATION: u32 = 37;

/// The highest bits of a word that belongs to `generation`. A thread would have to sleep through
/// 2²⁷ transitions to take one for another.
#[inline]
pub(super) const fn tag(generation: u64) -> u64 {
    generation << GENERATION
}

/// What is below the tag.
pub(super) const BELOW_TAG: u64 = (1 << GENERATION) - 1;

impl Log {
    /// As many failures as there may be in advance.
    pub(crate) const MOST_TO_SPARE: u32 = 31;

    /// A log that takes nothing.
    pub(crate) fn closed() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Begins anew: takes outcomes of `generation`, at most `spare` failures among them. Called
    /// under the lock.
    pub(crate) fn open(&self, generation: u64, spare: u32) {
        let spare = u64::from(spare.min(Self::MOST_TO_SPARE)) * ONE_TO_SPARE;
        // Release: who finds it open finds what was published before.
        self.0.store(tag(generation) | spare | EMPTY, Release);
    }

    /// Takes nothing from here on; until it is opened again, outcomes wait for the lock. Gives what
    /// was in it. Called under the lock.
    ///
    /// It stays closed while successes are collected that were counted beside it: one that comes
    /// after a failure in the log must not be taken for one that came before.
    pub(crate) fn close(&self) -> Outcomes {
        let outcomes = (self.0.swap(0, AcqRel) & OUTCOMES) as u32;
        let count = outcomes.checked_ilog2().unwrap_or(0);
        let newest_first = outcomes & !(1 << count);
        let oldest_first = newest_first.reverse_bits().checked_shr(32 - count);
        Outcomes { count, failed: oldest_first.unwrap_or(0) }
    }

    /// Whether it takes outcomes of `generation` and has none.
    #[inline]
    pub(crate) fn is_empty(&self, generation: u64) -> bool {
        // Acquire: what was published before the log was opened is visible behind it.
        self.0.load(Acquire) & !SPARE == tag(generation) | EMPTY
    }

    /// Puts an outcome of `generation` in its place; not if the machine has to be asked.
    ///
    /// Not inlined, so that successes which are in no log save no registers for it.
    #[inline(never)]
    pub(crate) fn note(&self, generation: u64, failed: bool) -> bool {
        let mut word = self.0.load(Acquire);
        loop {
            let outcomes = word & OUTCOMES;
            let takes = outcomes != 0 && outcomes & FULL == 0;
            let spares = !failed || word & SPARE != 0;
            if !takes || !spares || word & !BELOW_TAG != tag(generation) {
                return false;
            }
            // Moved up by one. What follows a failure, or is one, is in order with it by this
            // exchange alone.
            let moved = word + outcomes;
            let noted = if failed { moved + 1 - ONE_TO_SPARE } else { moved };
            match self.0.compare_exchange_weak(word, noted, AcqRel, Acquire) {
                Ok(_) => return true,
                Err(changed) => word = changed,
            }
        }
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use super::*;

    fn opened(generation: u64, spare: u32) -> Log {
        let log = Log::closed();
        log.open(generation, spare);
        log
    }

    fn taken(log: &Log) -> (u32, u32) {
        let Outcomes { count, failed } = log.close();
        (count, failed)
    }

    #[test]
    fn outcomes_come_out_oldest_first() {
        let log = opened(3, 2);
        assert!(log.is_empty(3));
        for failed in [true, false, false, true, false] {
            assert!(log.note(3, failed));
        }
        assert!(!log.is_empty(3));
        assert_eq!(taken(&log), (5, 0b01001));
    }

    #[test]
    fn a_log_is_full_with_31_outcomes() {
        let log = opened(0, 31);
        assert_eq!((0..40).filter(|_| log.note(0, true)).count(), 31);
        assert!(!log.note(0, false));
        assert_eq!(taken(&log), (31, u32::MAX >> 1));
    }

    #[test]
    fn no_more_failures_than_there_are_to_spare() {
        let log = opened(0, 2);
        let noted = [true, false, true, true, false].map(|failed| log.note(0, failed));
        assert_eq!(noted, [true, true, true, false, true]);
        assert_eq!(taken(&log), (4, 0b0101));
    }

    #[test]
    fn a_closed_log_and_one_of_another_generation_take_nothing() {
        let log = Log::closed();
        assert!(!log.note(0, false) && !log.is_empty(0));
        assert_eq!(taken(&log), (0, 0));
        log.open(7, 31);
        assert!(!log.note(6, false) && !log.note(6, true) && !log.is_empty(6));
        assert!(log.note(7, true));
        log.open((1 << 27) + 1, 31);
        assert!(log.note((1 << 27) + 1, true), "the highest bits are cut");
    }
}
