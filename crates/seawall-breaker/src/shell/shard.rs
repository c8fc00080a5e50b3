//! What is counted without the lock, apart for each of a few groups of threads.

use std::cell::Cell;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed};

use crate::sync::AtomicU64;

/// Counters on a cache line of their own.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Shard {
    /// Successes that the machine has not been told of: the generation in which they were counted,
    /// and how many.
    pending: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) admitted: AtomicU64,
    pub(crate) abandoned: AtomicU64,
    pub(crate) ignored: AtomicU64,
}

const COUNT: u64 = u32::MAX as u64;

fn tag(generation: u64) -> u64 {
    generation << 32
}

impl Shard {
    pub(crate) fn new() -> Self {
        Self {
            pending: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            admitted: AtomicU64::new(0),
            abandoned: AtomicU64::new(0),
            ignored: AtomicU64::new(0),
        }
    }

    /// Counts a success in `generation`. Says how many are pending now; `None`, and nothing is
    /// counted, if that generation is over.
    ///
    /// The generation is in the counter's own word and the word is changed only if it is still the
    /// same: a success whose thread slept through a transition can't slip into the window of the
    /// next generation.
    #[inline]
    pub(crate) fn count_success(&self, generation: u64) -> Option<u64> {
        let mut word = self.pending.load(Relaxed);
        loop {
            if word & !COUNT != tag(generation) || word & COUNT == COUNT {
                return None;
            }
            // AcqRel, for it is by this exchange that an outcome happens before the next one that
            // takes the lock and drains it.
            match self.pending.compare_exchange_weak(word, word + 1, AcqRel, Relaxed) {
                Ok(_) => return Some((word & COUNT) + 1),
                Err(changed) => word = changed,
            }
        }
    }

    /// Takes the pending successes. Called under the lock.
    pub(crate) fn drain(&self, generation: u64) -> u64 {
        if self.pending.load(Acquire) & COUNT == 0 {
            return 0;
        }
        self.retag(generation)
    }

    /// Takes the pending successes and counts for `generation` from here on. Called under the lock.
    pub(crate) fn retag(&self, generation: u64) -> u64 {
        self.pending.swap(tag(generation), AcqRel) & COUNT
    }
}

/// A number of this thread's own, so that threads spread over the shards.
#[inline]
pub(crate) fn thread_number() -> usize {
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
