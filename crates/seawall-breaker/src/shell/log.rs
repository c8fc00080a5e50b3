//! The batch of outcomes that the machine has not been told of, and the failures in it.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use crate::sync::AtomicU64;

/// Gathers outcomes that can't open the circuit, so that they take no lock and still have their
/// place among the others.
///
/// Successes between two failures commute. So a batch has a place before its first failure and one
/// behind each: a success is counted in the place that it finds (see
/// [`Counters`](super::counters::Counters)), a failure moves all who come after it to the next. Only
/// failures change this word.
#[derive(Debug)]
pub(crate) struct Log(AtomicU64);

/// The log as one look found it.
///
/// From the lowest bit on: whether it takes outcomes (1 bit); how many more failures there may be
/// before the machine has to look (3 bits); how many there were, which is the place (3 bits); the
/// number of the batch (57 bits). Whoever takes the lock ends a batch, so all of one is of one
/// generation, and a word that is the same says that nothing was decided since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Batch(u64);

const OPEN: u64 = 1;
const ONE_TO_SPARE: u64 = 1 << 1;
const SPARE: u64 = 0b111 << 1;
const ONE_PLACE: u64 = 1 << PLACE;
const PLACE: u32 = 4;
const NUMBER: u32 = 7;

impl Log {
    /// As many failures as there may be in a batch.
    pub(crate) const MOST_FAILURES: u32 = 4;

    /// A log that takes nothing.
    pub(crate) fn closed() -> Self {
        Self(AtomicU64::new(0))
    }

    #[inline]
    pub(crate) fn look(&self) -> Batch {
        // Acquire: what was published before the batch was opened is visible behind it.
        Batch(self.0.load(Acquire))
    }

    /// Begins the next batch, of at most `spare` failures. Called under the lock.
    pub(crate) fn open(&self, spare: u32) {
        let spare = u64::from(spare.min(Self::MOST_FAILURES)) * ONE_TO_SPARE;
        let number = Batch(self.0.load(Relaxed)).next();
        // Release: who finds it open finds what was published before.
        self.0.store(number << NUMBER | spare | OPEN, Release);
    }

    /// Takes nothing from here on, until it is opened again. Gives what it was. Called under the lock.
    pub(crate) fn close(&self) -> Batch {
        Batch(self.0.fetch_and(u64::MAX << NUMBER, AcqRel))
    }

    /// Notes a failure in `batch`; not if that is over, or the machine has to be asked.
    pub(crate) fn note_failure(&self, batch: Batch) -> bool {
        let mut found = batch;
        while found.takes_failures() && found.number() == batch.number() {
            // What comes before and what comes behind a failure is in order with it by this
            // exchange alone.
            let noted = found.0 + ONE_PLACE - ONE_TO_SPARE;
            match self.0.compare_exchange_weak(found.0, noted, AcqRel, Acquire) {
                Ok(_) => return true,
                Err(changed) => found = Batch(changed),
            }
        }
        false
    }
}

impl Batch {
    #[inline]
    pub(crate) fn is_open(self) -> bool {
        self.0 & OPEN != 0
    }

    /// How many failures are in it.
    #[inline]
    pub(crate) fn place(self) -> u32 {
        (self.0 >> PLACE) as u32 & 0b111
    }

    #[inline]
    pub(crate) fn number(self) -> u64 {
        self.0 >> NUMBER
    }

    /// The number of the batch after it.
    pub(crate) fn next(self) -> u64 {
        self.number() + 1
    }

    fn takes_failures(self) -> bool {
        self.is_open() && self.0 & SPARE != 0
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use super::*;

    fn opened(spare: u32) -> Log {
        let log = Log::closed();
        log.open(spare);
        log
    }

    #[test]
    fn each_failure_begins_a_place() {
        let log = opened(7);
        for failures in 0..4 {
            assert_eq!(log.look().place(), failures);
            assert!(log.note_failure(log.look()));
        }
        assert!(!log.note_failure(log.look()), "more than a batch holds");
        assert_eq!(log.close().place(), 4);
    }

    #[test]
    fn no_more_failures_than_there_are_to_spare() {
        let log = opened(2);
        let batch = log.look();
        assert_eq!([(); 3].map(|()| log.note_failure(batch)), [true, true, false]);
        assert!(log.look().is_open(), "successes go on");
        assert_eq!(log.close().place(), 2);
        assert!(!opened(0).note_failure(opened(0).look()));
    }

    #[test]
    fn a_closed_log_and_another_batch_take_nothing() {
        let log = Log::closed();
        assert!(!log.look().is_open() && !log.note_failure(log.look()));
        log.open(3);
        let first = log.look();
        let next = log.close().next();
        assert!(!log.look().is_open() && !log.note_failure(first));
        log.open(3);
        assert_eq!((first.number(), log.look().number()), (1, next));
        assert!(!log.note_failure(first));
        assert!(log.note_failure(log.look()));
    }
}
