//! What is counted without the lock.

use std::cell::Cell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::log::{Batch, Log};
use crate::sync::{AtomicU64, OnceLock};

/// Counters that threads don't fight for: one of each for each of a few groups of threads, on a
/// cache line of its own. Made when there is something to count other than outcomes, or when two
/// threads meet; until then there is one counter of successes.
#[derive(Debug)]
pub(crate) struct Counters {
    pending: Pending,
    lines: OnceLock<Box<[Line]>>,
}

#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Line {
    pending: Pending,
    pub(crate) admitted: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) ignored: AtomicU64,
    pub(crate) permanent: AtomicU64,
    pub(crate) overloaded: AtomicU64,
    pub(crate) panicked: AtomicU64,
}

/// Successes of one batch that the machine has not been told of, by their place in it.
///
/// From the lowest bit on: those before the first failure (12 bits), those behind each of four (5
/// bits each), the number of the batch (32 bits). The word is changed only if it is still the same,
/// so a success whose thread slept through the end of a batch can't slip into another one; it would
/// have to sleep through 2³² of them.
#[derive(Debug, Default)]
struct Pending(AtomicU64);

const FIRST: u32 = 12;
const BEHIND: u32 = 5;
const MOST_BEHIND: u64 = (1 << BEHIND) - 1;
const BATCH: u32 = 32;

/// How many successes there were in each place of a batch.
pub(crate) type Successes = [u64; 1 + Log::MOST_FAILURES as usize];

impl Counters {
    /// No limit of pending successes may be above this.
    pub(crate) const MOST_PENDING: u64 = (1 << FIRST) - 1;

    pub(crate) fn new() -> Self {
        Self { pending: Pending::default(), lines: OnceLock::new() }
    }

    /// Counts one up.
    #[inline]
    pub(crate) fn count(&self, counter: fn(&Line) -> &AtomicU64) {
        let lines = self.lines.get().map_or_else(|| self.spread(), Box::as_ref);
        // Release: see `sum`.
        counter(own(lines)).fetch_add(1, Release);
    }

    /// What was counted. Acquire: what was counted before by whom we see counting is counted, too.
    pub(crate) fn sum(&self, counter: fn(&Line) -> &AtomicU64) -> u64 {
        self.lines().iter().map(|line| counter(line).load(Acquire)).sum()
    }

    /// Counts a success in its place of `batch`; not if that is over, or `limit` would be pending
    /// with it.
    #[inline]
    pub(crate) fn count_success(&self, batch: Batch, limit: u64) -> bool {
        if self.lines.get().is_some() {
            return self.count_among_others(batch, limit);
        }
        match self.pending.count(batch, limit) {
            Ok(()) => true,
            Err(Missed::Full) => false,
            Err(Missed::Met) => self.count_among_others(batch, limit),
        }
    }

    /// Not inlined, so that who is alone saves no registers for it.
    #[inline(never)]
    fn count_among_others(&self, batch: Batch, limit: u64) -> bool {
        let lines = self.lines.get().map_or_else(|| self.spread(), Box::as_ref);
        let pending = &own(lines).pending;
        loop {
            match pending.count(batch, limit) {
                Ok(()) => return true,
                Err(Missed::Full) => return false,
                Err(Missed::Met) => {}
            }
        }
    }

    /// Takes the pending successes, and counts in batch `next` from here on. Called under the lock,
    /// while no batch is open.
    pub(crate) fn take(&self, next: u64) -> Successes {
        let mut all = Successes::default();
        let each = self.lines().iter().map(|line| &line.pending);
        for pending in each.chain([&self.pending]) {
            pending.take(next, &mut all);
        }
        all
    }

    fn lines(&self) -> &[Line] {
        self.lines.get().map_or(&[], |lines| lines)
    }

    /// Makes the lines, as many as threads can run at once, up to 8. They count in no batch until
    /// the next who takes the lock says in which.
    #[cold]
    pub(super) fn spread(&self) -> &[Line] {
        self.lines.get_or_init(|| (0..lines()).map(|_| Line::default()).collect())
    }
}

/// Why a success was not counted.
enum Missed {
    /// Its batch is over, or there are too many.
    Full,
    /// Another thread was at it.
    Met,
}

impl Pending {
    #[inline]
    fn count(&self, batch: Batch, limit: u64) -> Result<(), Missed> {
        let word = self.0.load(Relaxed);
        let place = batch.place();
        let next = if place == 0 { before(word, batch, limit) } else { behind(word, batch, place) };
        // AcqRel, for it is by this exchange that an outcome happens before the next one that
        // takes the lock and with it the count.
        match self.0.compare_exchange(word, next.ok_or(Missed::Full)?, AcqRel, Relaxed) {
            Ok(_) => Ok(()),
            Err(_) => Err(Missed::Met),
        }
    }

    fn take(&self, next: u64, all: &mut Successes) {
        let word = self.0.swap(next << BATCH, AcqRel);
        let [first, behind @ ..] = all;
        *first += word & Counters::MOST_PENDING;
        for (place, count) in (0..).zip(behind) {
            *count += word >> (FIRST + place * BEHIND) & MOST_BEHIND;
        }
    }
}

/// With one more before the first failure.
#[inline]
fn before(word: u64, batch: Batch, limit: u64) -> Option<u64> {
    let next = word + 1;
    // In another batch, or behind a failure, the difference is beyond any limit.
    (next.wrapping_sub(batch.number() << BATCH) < limit).then_some(next)
}

/// With one more in a later place.
#[inline]
fn behind(word: u64, batch: Batch, place: u32) -> Option<u64> {
    let at = FIRST + (place - 1) * BEHIND;
    let same = word >> BATCH == batch.number() << BATCH >> BATCH;
    (same && word >> at & MOST_BEHIND != MOST_BEHIND).then(|| word + (1 << at))
}

fn lines() -> usize {
    // loom's threads are one to the system, so they count in one line whatever there is.
    if cfg!(seawall_loom) {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.next_power_of_two().min(8)
}

/// This thread's own.
#[inline]
fn own(lines: &[Line]) -> &Line {
    &lines[thread_number() & (lines.len() - 1)]
}

/// A number of this thread's own, so that threads spread over the lines.
#[inline]
fn thread_number() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(1);
    thread_local! {
        static NUMBER: Cell<usize> = const { Cell::new(0) };
    }
    match NUMBER.get() {
        0 => {
            let number = NEXT.fetch_add(1, Relaxed);
            NUMBER.set(number);
            number
        }
        number => number,
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use super::*;

    fn opened() -> (Counters, Log) {
        let (counters, log) = (Counters::new(), Log::closed());
        counters.take(log.close().next());
        log.open(Log::MOST_FAILURES);
        (counters, log)
    }

    fn counted(counters: &Counters, batch: Batch, times: u32) -> u32 {
        (0..times).map(|_| u32::from(counters.count_success(batch, Counters::MOST_PENDING))).sum()
    }

    #[test]
    fn successes_are_taken_by_their_places() {
        for spread in [false, true] {
            let (counters, log) = (Counters::new(), Log::closed());
            if spread {
                counters.spread();
            }
            counters.take(log.close().next());
            log.open(Log::MOST_FAILURES);
            let expected = [3, 0, 31, 1, 7];
            for (place, successes) in expected.into_iter().enumerate() {
                if place > 0 {
                    assert!(log.note_failure(log.look()));
                }
                assert_eq!(counted(&counters, log.look(), successes), successes);
            }
            let batch = log.close();
            assert_eq!(counters.take(batch.next()), expected.map(u64::from));
            assert_eq!(counters.take(batch.next()), Successes::default());
        }
    }

    #[test]
    fn no_more_than_a_place_holds() {
        let (counters, log) = opened();
        let limited = (0..9).filter(|_| counters.count_success(log.look(), 4)).count();
        assert_eq!(limited, 3, "the fourth is to be heard of");
        assert_eq!(counters.take(log.close().next())[0], 3);
        log.open(Log::MOST_FAILURES);
        for place in 1..=4 {
            assert!(log.note_failure(log.look()));
            assert_eq!(counted(&counters, log.look(), 40), 31, "behind failure {place}");
        }
        assert_eq!(counters.take(log.close().next()), [0, 31, 31, 31, 31]);
        log.open(0);
        let most = Counters::MOST_PENDING;
        let pending = (0..5_000).filter(|_| counters.count_success(log.look(), most)).count();
        assert_eq!(pending as u64, most - 1);
        assert_eq!(counters.take(log.close().next()), [most - 1, 0, 0, 0, 0]);
    }

    #[test]
    fn a_success_that_slept_is_counted_in_no_other_batch() {
        let (counters, log) = opened();
        let first = log.look();
        assert!(log.note_failure(first));
        let behind = log.look();
        counters.take(log.close().next());
        log.open(Log::MOST_FAILURES);
        assert_eq!((counted(&counters, first, 1), counted(&counters, behind, 1)), (0, 0));
        assert!(log.note_failure(log.look()));
        assert_eq!((counted(&counters, first, 1), counted(&counters, behind, 1)), (0, 0));
        assert_eq!(counters.take(log.close().next()), Successes::default());
    }
}
