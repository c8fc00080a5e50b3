//! What is counted without the lock.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use super::log::{BELOW_TAG, tag};
use crate::sync::AtomicU64;

/// Counters that threads don't fight for: there is one set until two threads meet at it, then one
/// for each of a few groups of threads, on a cache line of its own.
#[derive(Debug)]
pub(crate) struct Counters {
    first: Shard,
    more: OnceLock<Box<[Line]>>,
}

#[derive(Debug)]
#[repr(align(64))]
struct Line(Shard);

#[derive(Debug)]
pub(crate) struct Shard {
    /// Successes that the machine has not been told of: the generation in which they were counted,
    /// and how many.
    pending: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) admitted: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) ignored: AtomicU64,
    pub(crate) permanent: AtomicU64,
    pub(crate) overloaded: AtomicU64,
    pub(crate) panicked: AtomicU64,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self { first: Shard::of(0), more: OnceLock::new() }
    }

    /// Counts one up.
    #[inline]
    pub(crate) fn count(&self, counter: fn(&Shard) -> &AtomicU64) {
        let Some(lines) = self.more.get() else {
            let word = counter(&self.first);
            let count = word.load(Relaxed);
            // Release: see `sum`.
            if word.compare_exchange(count, count + 1, Release, Relaxed).is_err() {
                counter(self.spread()).fetch_add(1, Release);
            }
            return;
        };
        counter(own(lines)).fetch_add(1, Release);
    }

    /// What was counted. Acquire: what was counted before by whom we see counting is counted, too.
    pub(crate) fn sum(&self, counter: fn(&Shard) -> &AtomicU64) -> u64 {
        self.shards().map(|shard| counter(shard).load(Acquire)).sum()
    }

    /// Counts a success in `generation`; not if that is over, or `limit` would be pending with it.
    #[inline]
    pub(crate) fn count_success(&self, generation: u64, limit: u64) -> bool {
        let shard = self.more.get().map_or(&self.first, |lines| own(lines));
        match shard.count_success(generation, limit) {
            Ok(()) => true,
            Err(Missed::Full) => false,
            Err(Missed::Met) => self.spread().count_success_among_others(generation, limit),
        }
    }

    /// Takes the pending successes, of `generation` and of older ones, and counts for `generation`
    /// from here on. Called under the lock.
    pub(crate) fn take(&self, generation: u64) -> Pending {
        let mut all = Pending::default();
        for shard in self.shards() {
            shard.take(generation, &mut all);
        }
        all
    }

    fn shards(&self) -> impl Iterator<Item = &Shard> {
        let more = self.more.get().map_or(&[][..], |lines| lines);
        std::iter::once(&self.first).chain(more.iter().map(|line| &line.0))
    }

    /// Two threads have met: from here on each has a shard of its own, as far as cores and 8 go.
    #[cold]
    pub(super) fn spread(&self) -> &Shard {
        let lines = self.more.get_or_init(|| {
            let pending = self.first.pending.load(Relaxed) & !BELOW_TAG;
            (0..groups()).map(|_| Line(Shard::of(pending))).collect()
        });
        own(lines)
    }
}

/// Successes that were taken out of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Pending {
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

impl Shard {
    fn of(pending: u64) -> Self {
        Self {
            pending: AtomicU64::new(pending),
            refused: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            ignored: AtomicU64::new(0),
            permanent: AtomicU64::new(0),
            overloaded: AtomicU64::new(0),
            panicked: AtomicU64::new(0),
        }
    }

    /// The generation is in the counter's own word and the word is changed only if it is still the
    /// same: a success whose thread slept through a transition can't slip into the window of the
    /// next generation.
    #[inline]
    fn count_success(&self, generation: u64, limit: u64) -> Result<(), Missed> {
        let word = self.pending.load(Relaxed);
        let next = word + 1;
        // Under another tag the difference is beyond any limit.
        if next.wrapping_sub(tag(generation)) >= limit {
            return Err(Missed::Full);
        }
        // AcqRel, for it is by this exchange that an outcome happens before the next one that
        // takes the lock and with it the count.
        match self.pending.compare_exchange(word, next, AcqRel, Relaxed) {
            Ok(_) => Ok(()),
            Err(_) => Err(Missed::Met),
        }
    }

    fn count_success_among_others(&self, generation: u64, limit: u64) -> bool {
        loop {
            match self.count_success(generation, limit) {
                Ok(()) => return true,
                Err(Missed::Full) => return false,
                Err(Missed::Met) => {}
            }
        }
    }

    fn take(&self, generation: u64, all: &mut Pending) {
        if self.pending.load(Acquire) == tag(generation) {
            return;
        }
        let word = self.pending.swap(tag(generation), AcqRel);
        if word & !BELOW_TAG == tag(generation) {
            all.current += word & BELOW_TAG;
        } else {
            all.late += word & BELOW_TAG;
        }
    }
}

/// As many as threads can run at once, up to 8: each costs a cache line.
fn groups() -> usize {
    static GROUPS: OnceLock<usize> = OnceLock::new();
    *GROUPS.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        cores.next_power_of_two().min(8)
    })
}

/// This thread's own.
#[inline]
fn own(lines: &[Line]) -> &Shard {
    &lines[thread_number() & (lines.len() - 1)].0
}

/// A number of this thread's own, so that threads spread over the shards.
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
