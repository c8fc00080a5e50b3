//! The ramping state: after the verdict, traffic comes back in stages.

use seawall_core::{Evidence, Rule};

use super::window::share;
use crate::time::Nanos;

/// How traffic comes back.
#[derive(Clone, Debug)]
pub(crate) struct RampPlan {
    pub(crate) stages: Box<[StagePlan]>,
    /// A stage fails at and above this share of failures.
    pub(crate) failure_rate: f64,
    /// So many outcomes are enough to end a stage before its time.
    pub(crate) min_calls: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StagePlan {
    /// Which share of the calls goes through, in parts of [`WHOLE`].
    pub(crate) share: u64,
    pub(crate) length: Nanos,
}

/// All calls.
pub(crate) const WHOLE: u64 = 1 << 32;

/// Where a ramp is.
#[derive(Clone, Debug)]
pub(crate) struct Ramp {
    stage: usize,
    ends: Nanos,
    /// What has been saved up for the next admission: a call goes through when it is whole. Below
    /// two wholes, as no share is above one.
    credit: u64,
    samples: u32,
    failures: u32,
}

/// What a stage came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Progress {
    Under,
    Over,
    Failed(Evidence),
}

impl Ramp {
    pub(crate) fn new(plan: &RampPlan, now: Nanos) -> Self {
        Self {
            stage: 0,
            ends: now.saturating_add(plan.stages.first().map_or(0, |stage| stage.length)),
            // The first call goes through, however small the share: traffic may be thin.
            credit: WHOLE,
            samples: 0,
            failures: 0,
        }
    }

    /// Admits the stage's share of the calls, evenly.
    pub(crate) fn admit(&mut self, plan: &RampPlan) -> bool {
        let share = plan.stages.get(self.stage).map_or(WHOLE, |stage| stage.share);
        let admitted = self.credit >= WHOLE;
        if admitted {
            self.credit -= WHOLE;
        }
        self.credit += share;
        admitted
    }

    /// Counts an outcome; enough bad ones end the stage at once.
    pub(crate) fn record(&mut self, failed: bool, plan: &RampPlan) -> Progress {
        self.samples = self.samples.saturating_add(1);
        self.failures = self.failures.saturating_add(failed.into());
        if self.samples >= plan.min_calls { self.check(plan) } else { Progress::Under }
    }

    /// Goes on to the stage of `now`, each stage passing its check first. At most as many steps as
    /// there are stages.
    pub(crate) fn advance(&mut self, plan: &RampPlan, now: Nanos) -> Progress {
        while now >= self.ends {
            if let Progress::Failed(evidence) = self.check(plan) {
                return Progress::Failed(evidence);
            }
            self.stage += 1;
            let Some(stage) = plan.stages.get(self.stage) else {
                return Progress::Over;
            };
            self.ends = self.ends.saturating_add(stage.length);
            (self.samples, self.failures) = (0, 0);
        }
        Progress::Under
    }

    fn check(&self, plan: &RampPlan) -> Progress {
        let rate = share(self.failures, self.samples);
        if rate >= plan.failure_rate {
            let limit = plan.failure_rate;
            return Progress::Failed(Evidence::new(Rule::FailureRate, rate, limit, self.samples));
        }
        Progress::Under
    }

    pub(crate) fn stage(&self) -> usize {
        self.stage
    }
}
