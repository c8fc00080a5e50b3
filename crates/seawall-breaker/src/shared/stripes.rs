//! What is counted without the lock.

use std::cell::Cell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use seawall_core::sync::{AtomicU64, OnceLock};

/// Counters that threads do not contend for: one of each for each of a few groups of threads, on a
/// cache line of its own. The stripes are made when two threads meet, or when something other than
/// successes is to be counted; until then there is one counter of successes.
#[derive(Debug)]
pub(super) struct Stripes {
    first: Batch,
    stripes: OnceLock<Box<[Stripe]>>,
}

#[derive(Debug, Default)]
#[repr(align(64))]
pub(super) struct Stripe {
    batch: Batch,
    pub(super) admitted: AtomicU64,
    pub(super) abandoned: AtomicU64,
    pub(super) ignored: AtomicU64,
    pub(super) permanent: AtomicU64,
    pub(super) overloaded: AtomicU64,
    pub(super) panicked: AtomicU64,
    pub(super) timed_out: AtomicU64,
}

/// Successes of one generation that the machine has not counted yet.
///
/// From the lowest bit on: how many (10 bits), whether it is open (1 bit), the generation (53 bits).
/// Whoever takes the lock closes it first. The word is exchanged, not added to, so a success of a
/// thread that slept through a transition counts in no other generation.
#[derive(Debug, Default)]
struct Batch(AtomicU64);

const COUNT: u64 = OPEN - 1;
const OPEN: u64 = 1 << 10;
const GENERATION: u32 = 11;

/// What became of a success that was to be counted without the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Batched {
    Counted,
    /// The machine has to count it.
    NeedsLock,
    /// Another thread holds the lock.
    Closed,
}

impl Stripes {
    pub(super) fn new() -> Self {
        Self { first: Batch::default(), stripes: OnceLock::new() }
    }

    /// Adds one to a counter.
    #[inline]
    pub(super) fn count(&self, counter: fn(&Stripe) -> &AtomicU64) {
        // Release: see `sum`.
        counter(own(self.spread())).fetch_add(1, Release);
    }

    /// The sum of a counter. Acquire: if a count is seen, so are all counts before it on its thread.
    pub(super) fn sum(&self, counter: fn(&Stripe) -> &AtomicU64) -> u64 {
        self.stripes().iter().map(|stripe| counter(stripe).load(Acquire)).sum()
    }

    /// Counts a success of `generation`.
    #[inline]
    pub(super) fn count_success(&self, generation: u64) -> Batched {
        if self.stripes.get().is_none()
            && let Some(batched) = self.first.add(generation)
        {
            return batched;
        }
        self.count_in_stripe(generation)
    }

    #[inline(never)]
    fn count_in_stripe(&self, generation: u64) -> Batched {
        let batch = &own(self.spread()).batch;
        loop {
            if let Some(batched) = batch.add(generation) {
                return batched;
            }
        }
    }

    /// Lets successes of `generation` in. Called under the lock, after [`close`](Self::close).
    pub(super) fn open(&self, generation: u64) {
        self.batches().for_each(|batch| batch.open(generation));
    }

    /// Takes the successes, and lets none in until [`open`](Self::open). Called under the lock.
    pub(super) fn close(&self) -> u64 {
        self.batches().map(Batch::close).sum()
    }

    fn batches(&self) -> impl Iterator<Item = &Batch> {
        self.stripes().iter().map(|stripe| &stripe.batch).chain([&self.first])
    }

    fn stripes(&self) -> &[Stripe] {
        self.stripes.get().map_or(&[], |stripes| stripes)
    }

    /// Makes the stripes: as many as threads can run at once, up to 8. Their batches are closed
    /// until the lock is taken again.
    pub(super) fn spread(&self) -> &[Stripe] {
        self.stripes.get_or_init(|| (0..stripe_count()).map(|_| Stripe::default()).collect())
    }
}

impl Batch {
    /// Counts a success of `generation`; `None` if another thread interfered.
    #[inline]
    fn add(&self, generation: u64) -> Option<Batched> {
        let word = self.0.load(Relaxed);
        let pending = word.wrapping_sub(generation << GENERATION | OPEN);
        if word & OPEN == 0 {
            Some(Batched::Closed)
        } else if pending >= COUNT {
            // Full, or of another generation.
            Some(Batched::NeedsLock)
        } else {
            // AcqRel: by this exchange an outcome happens before the next one that takes the lock
            // and with it the count.
            let added = self.0.compare_exchange(word, word + 1, AcqRel, Relaxed);
            added.ok().map(|_| Batched::Counted)
        }
    }

    fn open(&self, generation: u64) {
        // Release: whoever finds it open finds what was published before.
        self.0.store(generation << GENERATION | OPEN, Release);
    }

    fn close(&self) -> u64 {
        self.0.swap(0, AcqRel) & COUNT
    }
}

fn stripe_count() -> usize {
    // All of loom's threads are one thread of the system, so they share one stripe.
    if cfg!(seawall_loom) {
        return 1;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    cores.next_power_of_two().min(8)
}

/// The stripe of this thread.
#[inline]
fn own(stripes: &[Stripe]) -> &Stripe {
    &stripes[thread_number() & (stripes.len() - 1)]
}

/// A number of this thread, so that threads spread over the stripes.
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

    const MOST: u64 = COUNT;

    fn counted(stripes: &Stripes, generation: u64, times: u64) -> u64 {
        (0..times).filter(|_| stripes.count_success(generation) == Batched::Counted).count() as u64
    }

    #[test]
    fn successes_are_taken_once() {
        for spread in [false, true] {
            let stripes = Stripes::new();
            if spread {
                stripes.spread();
            }
            stripes.open(7);
            assert_eq!(counted(&stripes, 7, 31), 31);
            assert_eq!((stripes.close(), stripes.close()), (31, 0));
        }
    }

    #[test]
    fn a_closed_batch_and_another_generation_take_nothing() {
        let stripes = Stripes::new();
        assert_eq!(stripes.count_success(0), Batched::Closed);
        stripes.open(2);
        for generation in [0, 1, 3, 1 << 40] {
            assert_eq!(stripes.count_success(generation), Batched::NeedsLock);
        }
        stripes.close();
        assert_eq!(stripes.count_success(2), Batched::Closed);
        assert_eq!(stripes.close(), 0);
    }

    #[test]
    fn no_more_than_a_batch_holds() {
        let stripes = Stripes::new();
        stripes.open(1);
        assert_eq!(counted(&stripes, 1, 2 * MOST), MOST);
        assert_eq!(stripes.count_success(1), Batched::NeedsLock);
        assert_eq!(stripes.close(), MOST);
    }

    #[test]
    fn stripes_are_closed_until_the_lock_is_taken_again() {
        let stripes = Stripes::new();
        stripes.open(1);
        stripes.spread();
        assert_eq!(stripes.count_success(1), Batched::Closed);
        assert_eq!(stripes.close(), 0);
        stripes.open(1);
        assert_eq!(stripes.count_success(1), Batched::Counted);
    }
}
