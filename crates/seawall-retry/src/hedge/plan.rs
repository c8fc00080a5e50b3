//! The decision: whether another attempt is launched.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many attempts there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HedgePlan {
    /// The primary included.
    pub(super) max_attempts: u32,
    pub(super) max_in_flight: u32,
}

/// What a call looks like now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    /// How many attempts were launched.
    pub(super) launched: u32,
    /// How many of them are under way.
    pub(super) in_flight: u32,
    /// Something put an end to launching: the budget, a deadline, a shutdown.
    pub(super) stopped: bool,
}

/// A plan that can be replaced: both numbers in one word.
#[derive(Debug)]
pub(super) struct LivePlan(AtomicU64);

impl LivePlan {
    pub(super) fn new(plan: HedgePlan) -> Self {
        Self(plan.word().into())
    }

    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "each half of the word")]
    pub(super) fn load(&self) -> HedgePlan {
        let word = self.0.load(Ordering::Relaxed);
        HedgePlan { max_attempts: (word >> 32) as u32, max_in_flight: word as u32 }
    }

    pub(super) fn replace(&self, plan: HedgePlan) {
        self.0.store(plan.word(), Ordering::Relaxed);
    }
}

impl HedgePlan {
    fn word(self) -> u64 {
        u64::from(self.max_attempts) << 32 | u64::from(self.max_in_flight)
    }

    /// Whether another attempt may be launched at all.
    pub(super) const fn may_launch(self, progress: Progress) -> bool {
        !progress.stopped
            && progress.launched < self.max_attempts
            && progress.in_flight < self.max_in_flight
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_in_flight_and_in_all_are_both_limited() {
        let plan = HedgePlan { max_attempts: 3, max_in_flight: 2 };
        let progress = |launched, in_flight| Progress { launched, in_flight, stopped: false };
        let table = [
            // launched, in flight, may launch
            (1, 1, true),
            (1, 0, true),
            (2, 2, false),
            (2, 1, true),
            (3, 2, false),
            (3, 0, false),
        ];
        for (launched, in_flight, may_launch) in table {
            let progress = progress(launched, in_flight);
            assert_eq!(plan.may_launch(progress), may_launch, "{progress:?}");
            assert!(!plan.may_launch(Progress { stopped: true, ..progress }));
        }
    }
}
