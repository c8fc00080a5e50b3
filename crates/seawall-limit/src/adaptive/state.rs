//! What an adaptive limit remembers: the algorithm, the patience of its callers, and the places
//! that linger. No lock, no clock: times are nanoseconds since the limit was built.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use seawall_core::UsualTime;

use super::deadband::{Deadband, FADES_BY};
use super::{Adaptive, Sample};

/// In nanoseconds.
const MAX_LINGER: u64 = super::defaults::MAX_LINGER.as_secs() * 1_000_000_000;

/// How a call ended, as far as the limit is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The dependency answered.
    Answered,
    /// The dependency said that it is overloaded.
    Overloaded,
    /// The caller gave up. The dependency may still work on it.
    GivenUp,
    /// A timeout cut it off. The dependency may still work on it.
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
    /// The longest time that callers wait. It falls slowly, so that one caller with little time
    /// left does not make the calls of the others look slow.
    patience: u64,
    usual: UsualTime,
    /// When the places that linger are free.
    lingering: BinaryHeap<Reverse<u64>>,
}

impl State {
    pub(super) const fn new(adaptive: Adaptive) -> Self {
        Self { adaptive, patience: 0, usual: UsualTime::UNKNOWN, lingering: BinaryHeap::new() }
    }

    /// Adapts by other settings, from the limit that was learned.
    pub(super) fn adapt_by(&mut self, adaptive: Adaptive) {
        self.adaptive = adaptive.in_place_of(&self.adaptive);
    }

    pub(super) const fn adaptive(&self) -> &Adaptive {
        &self.adaptive
    }

    /// Records a call that has ended. Returns whether its place is free now; if not, it lingers.
    pub(super) fn end(&mut self, ended: &Ended) -> bool {
        let within_deadband = self.deadband().covers(ended.in_flight, ended.took, ended.patience);
        let had_too_little = self.usual.exceeds(ended.patience);
        if !had_too_little {
            self.learn_patience(ended.patience);
        }
        let slow = ended.took > self.slow_after();
        let dropped = match ended.end {
            End::Answered => Some(slow),
            End::TimedOut | End::GivenUp if had_too_little => {
                self.usual.is_silent(ended.now).then_some(true)
            }
            End::Overloaded | End::TimedOut => Some(true),
            End::GivenUp => slow.then_some(true),
            End::Other => None,
        };
        if ended.end == End::Answered {
            self.usual.end_silence();
            // Slow answers show the load. Those in the deadband change nothing.
            if !slow && !within_deadband {
                self.usual.learn(ended.took);
            }
        }
        if let Some(dropped) = dropped {
            let rtt = Duration::from_nanos(ended.took);
            self.adaptive.observe(&Sample { rtt, in_flight: ended.in_flight, dropped });
        }
        let is_free = !matches!(ended.end, End::TimedOut | End::GivenUp);
        if !is_free {
            let lingers = ended.took.min(MAX_LINGER);
            self.lingering.push(Reverse(ended.now.saturating_add(lingers)));
        }
        is_free
    }

    /// A call that takes longer than this is slow.
    const fn slow_after(&self) -> u64 {
        if self.patience > 0 { self.patience / 2 } else { u64::MAX }
    }

    /// Which calls would change nothing.
    pub(super) fn deadband(&self) -> Deadband {
        let changes_with_any_answer = !self.usual.is_known() || self.usual.in_silence();
        if changes_with_any_answer || !self.lingering.is_empty() {
            return Deadband::EMPTY;
        }
        let deadband = self.adaptive.deadband();
        let longest = deadband.longest.min(self.slow_after());
        Deadband { longest, patience: self.patience, ..deadband }
    }

    fn learn_patience(&mut self, patience: u64) {
        if patience >= self.patience {
            self.patience = patience;
        } else if patience > 0 {
            self.patience -= (self.patience - patience) / FADES_BY;
        }
    }

    /// How many places have stopped lingering by `now`.
    pub(super) fn freed(&mut self, now: u64) -> u32 {
        let mut freed = 0;
        while self.lingering.peek().is_some_and(|Reverse(until)| *until <= now) {
            self.lingering.pop();
            freed += 1;
        }
        freed
    }

    pub(super) fn limit(&self) -> u32 {
        self.adaptive.limit()
    }

    pub(super) fn lingering(&self) -> usize {
        self.lingering.len()
    }
}
