//! What is counted without the lock.

use std::cell::Cell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::log::{BELOW_TAG, tag};
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

/// Successes that the machine has not been told of: the generation in which they were counted, and
/// how many.
#[derive(Debug, Default)]
struct Pending(AtomicU64);

impl Counters {
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

    /// Counts a success in `generation`; not if that is over, or `limit` would be pending with it.
    #[inline]
    pub(crate) fn count_success(&self, generation: u64, limit: u64) -> bool {
        if self.lines.get().is_some() {
            return self.count_among_others(generation, limit);
        }
        match self.pending.count(generation, limit) {
            Ok(()) => true,
            Err(Missed::Full) => false,
            Err(Missed::Met) => self.count_among_others(generation, limit),
        }
    }

    /// Not inlined, so that who is alone saves no registers for it.
    #[inline(never)]
    fn count_among_others(&self, generation: u64, limit: u64) -> bool {
        let lines = self.lines.get().map_or_else(|| self.spread(), Box::as_ref);
        let pending = &own(lines).pending;
        loop {
            match pending.count(generation, limit) {
                Ok(()) => return true,
                Err(Missed::Full) => return false,
                Err(Missed::Met) => {}
            }
        }
    }

    /// Takes the pending successes, of `generation` and of older ones, and counts for `generation`
    /// from here on. Called under the lock.
    pub(crate) fn take(&self, generation: u64) -> Taken {
        let mut all = Taken::default();
        let each = self.lines().iter().map(|line| &line.pending);
        for pending in each.chain([&self.pending]) {
            pending.take(generation, &mut all);
        }
        all
    }

    fn lines(&self) -> &[Line] {
        self.lines.get().map_or(&[], |lines| lines)
    }

    /// Makes the lines, as many as threads can run at once, up to 8. They count for the first
    /// generation until the next who takes the lock says otherwise.
    #[cold]
    pub(super) fn spread(&self) -> &[Line] {
        self.lines.get_or_init(|| {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            (0..cores.next_power_of_two().min(8)).map(|_| Line::default()).collect()
        })
    }
}

/// Successes that were taken out of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) current: u64,
    /// Of generations that are over. They count in the totals, but there is no window for them.
    pub(crate) late: u64,
}

/// Why a success was not counted.
enum Missed {
    /// Its generation is over, or there are too many.
    Full,
    /// Another thread was at it.
    Met,
}

impl Pending {
    /// The generation is in the counter's own word and the word is changed only if it is still the
    /// same: a success whose thread slept through a transition can't slip into the window of the
    /// next generation.
    #[inline]
    fn count(&self, generation: u64, limit: u64) -> Result<(), Missed> {
        let word = self.0.load(Relaxed);
        let next = word + 1;
        // Under another tag the difference is beyond any limit.
        if next.wrapping_sub(tag(generation)) >= limit {
            return Err(Missed::Full);
        }
        // AcqRel, for it is by this exchange that an outcome happens before the next one that
        // takes the lock and with it the count.
        match self.0.compare_exchange(word, next, AcqRel, Relaxed) {
            Ok(_) => Ok(()),
            Err(_) => Err(Missed::Met),
        }
    }

    fn take(&self, generation: u64, all: &mut Taken) {
        if self.0.load(Acquire) == tag(generation) {
            return;
        }
        let word = self.0.swap(tag(generation), AcqRel);
        if word & !BELOW_TAG == tag(generation) {
            all.current += word & BELOW_TAG;
        } else {
            all.late += word & BELOW_TAG;
        }
    }
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
