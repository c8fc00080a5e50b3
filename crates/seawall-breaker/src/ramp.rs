//! How traffic comes back after the verdict.

use std::time::Duration;

use seawall_core::{Check, ConfigError};

use crate::machine::{RampPlan, StagePlan, WHOLE};
use crate::time::nanos;

/// How traffic comes back after the verdict: in stages. Each stage lets a share of the calls through
/// for a time and has its own check.
///
/// A stage whose share of failures reaches the [threshold](Self::failure_rate) reopens the circuit:
/// at once when it has [enough](Self::min_calls) outcomes, otherwise at its end. Outcomes of one stage
/// do not count in the next.
///
/// ```
/// use seawall_breaker::{Breaker, Ramp};
/// use std::time::Duration;
///
/// # fn main() -> Result<(), seawall_core::ConfigError> {
/// let ramp = Ramp::new([0.1, 0.25, 0.5, 1.0], Duration::from_millis(250));
/// let breaker = Breaker::builder().ramp(ramp).build()?;
/// # drop(breaker);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "a ramp does nothing until it is given to a breaker"]
pub struct Ramp {
    stages: Vec<(f64, Duration)>,
    failure_rate: f64,
    min_calls: u32,
}

impl Ramp {
    /// The default threshold of a stage: half of its calls failed, as for the window.
    pub const FAILURE_RATE: f64 = 0.5;

    /// The default number of outcomes with which a stage may fail before its end: 5.
    pub const MIN_CALLS: u32 = 5;

    /// The largest number of stages.
    pub const MAX_STAGES: usize = 64;

    /// Stages that let these shares of the calls through, each for the time `each`.
    pub fn new(shares: impl IntoIterator<Item = f64>, each: Duration) -> Self {
        Self::of(shares.into_iter().map(|share| (share, each)))
    }

    /// Stages of a share and a length each.
    pub fn of(stages: impl IntoIterator<Item = (f64, Duration)>) -> Self {
        Self {
            // One more than allowed is kept, so that `build()` can refuse it.
            stages: stages.into_iter().take(Self::MAX_STAGES + 1).collect(),
            failure_rate: Self::FAILURE_RATE,
            min_calls: Self::MIN_CALLS,
        }
    }

    /// A stage reopens the circuit at and above this share of failures: above 0, at most 1.
    pub fn failure_rate(mut self, rate: f64) -> Self {
        self.failure_rate = rate;
        self
    }

    /// The number of outcomes with which a stage may fail before its end: at least 1.
    pub fn min_calls(mut self, calls: u32) -> Self {
        self.min_calls = calls;
        self
    }

    pub(crate) fn plan(&self, check: Check) -> Result<RampPlan, ConfigError> {
        let count = self.stages.len();
        let fits = (1..=Self::MAX_STAGES).contains(&count);
        check.that(fits, "ramp", format_args!("{count} stages"), "between 1 and 64 stages")?;
        check.rate("ramp.failure_rate", self.failure_rate)?;
        check.at_least_one("ramp.min_calls", self.min_calls)?;
        let stages: Result<_, ConfigError> = self
            .stages
            .iter()
            .map(|&(share, length)| {
                check.rate("ramp.share", share)?;
                check.positive("ramp.length", length)?;
                Ok(StagePlan { share: parts(share), length: nanos(length) })
            })
            .collect();
        Ok(RampPlan { stages: stages?, failure_rate: self.failure_rate, min_calls: self.min_calls })
    }
}

/// `share` in parts of [`WHOLE`], at least one part.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share is above 0 and at most 1, and 2³² is exact"
)]
fn parts(share: f64) -> u64 {
    ((share * WHOLE as f64) as u64).max(1)
}
