//! What an adaptive limit remembers: the algorithm, its callers' patience, and the places of calls
//! that were given up. No lock, no clock: times are nanoseconds since the limit was built.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::deadband::{Calm, FADES_BY};
use super::{Adaptive, Sample};

/// How a call ended, as far as the limit is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The dependency answered.
    Answered,
    /// The dependency said that it has too much to do.
    Overloaded,
    /// Nobody waited any longer. The dependency may still be at it.
    GivenUp,
    /// A timeout cut it off. The dependency may still be at it.
    TimedOut,
    /// Something else, which says nothing about the load.
    Other,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) took: u64,
    pub(super) now: u64,
    /// How long its caller would have waited; 0 if that is not known.
    pub(super) patience: u64,
    pub(super) in_flight: u32,
    pub(super) end: End,
}

#[derive(Debug)]
pub(super) struct State {
    adaptive: Adaptive,
    /// How long callers wait at most. Falls slowly, so that one who came with little time left does
    /// not make the others' calls look slow.
    patience: u64,
    /// When the places of calls that were given up are free.
    lingering: BinaryHeap<Reverse<u64>>,
}

impl State {
    pub(super) const fn new(adaptive: Adaptive) -> Self {
        Self { adaptive, patience: 0, lingering: BinaryHeap::new() }
    }

    /// Takes note of a call that is over. Says whether its place is free now; if not, it is free
    /// some time later.
    #[inline]
    pub(super) fn end(&mut self, ended: &Ended) -> bool {
        self.learn_patience(ended.patience);
        let slow = ended.took > self.longest();
        let dropped = match ended.end {
            End::Answered => slow,
            End::Overloaded | End::TimedOut => true,
            End::GivenUp if slow => true,
            End::GivenUp | End::Other => return self.free_or_linger(ended),
        };
        let rtt = Duration::from_nanos(ended.took);
        self.adaptive.observe(&Sample { rtt, in_flight: ended.in_flight, dropped });
        self.free_or_linger(ended)
    }

    /// What takes longer is slow.
    #[inline]
    const fn longest(&self) -> u64 {
        if self.patience > 0 { self.patience / 2 } else { u64::MAX }
    }

    /// Which calls would change nothing.
    #[inline]
    pub(super) fn calm(&self) -> Calm {
        if !self.lingering.is_empty() {
            return Calm::NEVER;
        }
        let calm = self.adaptive.calm();
        let longest = calm.longest.min(self.longest());
        Calm { longest, patience: self.patience, ..calm }
    }

    #[inline]
    fn learn_patience(&mut self, patience: u64) {
        if patience >= self.patience {
            self.patience = patience;
        } else if patience > 0 {
            self.patience -= (self.patience - patience) / FADES_BY;
        }
    }

    #[inline]
    fn free_or_linger(&mut self, ended: &Ended) -> bool {
        let free = !matches!(ended.end, End::TimedOut | End::GivenUp);
        if !free {
            self.lingering.push(Reverse(ended.now.saturating_add(ended.took)));
        }
        free
    }

    /// How many places have become free by `now`.
    #[inline]
    pub(super) fn freed(&mut self, now: u64) -> u32 {
        let mut freed = 0;
        while self.lingering.peek().is_some_and(|Reverse(until)| *until <= now) {
            self.lingering.pop();
            freed += 1;
        }
        freed
    }

    #[inline]
    pub(super) fn limit(&self) -> u32 {
        self.adaptive.limit()
    }

    pub(super) fn lingering(&self) -> usize {
        self.lingering.len()
    }
}
