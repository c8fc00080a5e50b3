//! The ramping state: after the verdict, traffic comes back in stages.

use seawall_core::{Evidence, Rule};

use super::table::{Trigger, Verdict};
use super::window::share;
use crate::time::Nanos;

/// How traffic comes back.
#[derive(Clone, Debug)]
pub(crate) struct RampPlan {
    pub(crate) stages: Box<[StagePlan]>,
    /// A stage fails at and above this share of failures.
    pub(crate) failure_rate: f64,
    /// A stage that has this many outcomes may fail before its end.
    pub(crate) min_calls: u32,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct StagePlan {
    /// The share of the calls that goes through, in parts of [`WHOLE`].
    pub(crate) share: u64,
    pub(crate) length: Nanos,
}

/// All calls.
pub(crate) const WHOLE: u64 = 1 << 32;

/// Which stage a ramp is in, and its outcomes.
#[derive(Clone, Debug)]
pub(crate) struct Ramp {
    stage: usize,
    ends: Nanos,
    /// What has been saved for the next admission: a call goes through when it is whole. Below two
    /// wholes, as no share is above one.
    credit: u64,
    samples: u32,
    failures: u32,
}

impl Ramp {
    pub(crate) fn new(plan: Option<&RampPlan>, now: Nanos) -> Self {
        Self {
            stage: 0,
            ends: now.saturating_add(stage(plan, 0).map_or(0, |stage| stage.length)),
            // The first call goes through, however small the share: traffic may be thin.
            credit: WHOLE,
            samples: 0,
            failures: 0,
        }
    }

    /// Admits the stage's share of the calls, evenly.
    pub(crate) fn admit(&mut self, plan: Option<&RampPlan>) -> bool {
        let share = stage(plan, self.stage).map_or(WHOLE, |stage| stage.share);
        let admitted = self.credit >= WHOLE;
        if admitted {
            self.credit -= WHOLE;
        }
        self.credit += share;
        admitted
    }

    /// Counts an outcome. With enough of them the stage may fail before its end.
    pub(crate) fn record(&mut self, failed: bool, plan: Option<&RampPlan>) -> Option<Verdict> {
        self.samples = self.samples.saturating_add(1);
        self.failures = self.failures.saturating_add(failed.into());
        let plan = plan?;
        if self.samples >= plan.min_calls { self.check(plan) } else { None }
    }

    /// Moves to the stage of `now`. Each stage that ends is checked first. A ramp is over after its
    /// last stage, and where its plan was configured away.
    pub(crate) fn advance(&mut self, plan: Option<&RampPlan>, now: Nanos) -> Option<Verdict> {
        let Some(plan) = plan else {
            return Some(Trigger::RampOver.into());
        };
        while now >= self.ends {
            if let Some(failed) = self.check(plan) {
                return Some(failed);
            }
            self.stage += 1;
            let Some(stage) = plan.stages.get(self.stage) else {
                return Some(Trigger::RampOver.into());
            };
            self.ends = self.ends.saturating_add(stage.length);
            (self.samples, self.failures) = (0, 0);
        }
        None
    }

    fn check(&self, plan: &RampPlan) -> Option<Verdict> {
        let (rate, limit) = (share(self.failures, self.samples), plan.failure_rate);
        let evidence = Evidence::new(Rule::FailureRate, rate, limit, self.samples);
        (rate >= limit).then(|| Verdict::new(Trigger::StageFailed, evidence))
    }

    pub(crate) fn stage(&self) -> usize {
        self.stage
    }

    /// When the stage ends.
    pub(crate) fn ends(&self) -> Nanos {
        self.ends
    }
}

fn stage(plan: Option<&RampPlan>, number: usize) -> Option<&StagePlan> {
    plan?.stages.get(number)
}
