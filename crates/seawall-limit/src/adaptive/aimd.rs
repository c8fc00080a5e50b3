use std::time::Duration;

use super::deadband::Deadband;
use super::machine::{UNUSED, says_nothing};
use super::{Range, Sample, defaults};

/// Additive increase, multiplicative decrease.
///
/// - A call that is lost, or slower than `slow`: `limit × decrease`. Then no further loss counts for
///   as many samples as the new limit, which is about one round-trip: calls that are lost together
///   are one overload, not many.
/// - A good call with at least half of the limit in flight: `limit + increase`.
/// - A good call with less than a quarter in flight: `limit × 0.99`, so that a limit from busier
///   times does not let a burst through.
///
/// Source: Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion
/// Avoidance in Computer Networks" (1989).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aimd {
    slow: Duration,
    increase: f64,
    decrease: f64,
    ignores_losses_for: u32,
}

/// A limit of more than this many times the calls in flight is idle.
const IDLE: f64 = 4.0;

/// Each good sample multiplies an idle limit by this factor.
const FORGET: f64 = 0.99;

impl Default for Aimd {
    /// Multiplies by [0.7](defaults::DECREASE) on loss, increases by 1; no call is slow.
    fn default() -> Self {
        Self {
            slow: Duration::MAX,
            increase: 1.0,
            decrease: defaults::DECREASE,
            ignores_losses_for: 0,
        }
    }
}

impl Aimd {
    /// Calls that take longer than this count as lost.
    #[must_use]
    pub const fn slow(mut self, slow: Duration) -> Self {
        self.slow = slow;
        self
    }

    /// What a good sample adds to the limit.
    #[must_use]
    pub const fn increase(mut self, increase: f64) -> Self {
        self.increase = increase;
        self
    }

    /// What a lost one multiplies the limit by.
    #[must_use]
    pub const fn decrease(mut self, decrease: f64) -> Self {
        self.decrease = decrease;
        self
    }

    /// Whether both have the same parameters.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let parameters = |it: &Self| Self { ignores_losses_for: 0, ..*it };
        parameters(self) == parameters(other)
    }

    pub(super) const fn parameters(&self) -> (f64, f64) {
        (self.increase, self.decrease)
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a limit is a u32 with a fraction"
    )]
    pub(super) fn next(&mut self, limit: f64, sample: &Sample) -> f64 {
        self.ignores_losses_for = self.ignores_losses_for.saturating_sub(1);
        if sample.dropped || sample.rtt > self.slow {
            if self.ignores_losses_for > 0 {
                return limit;
            }
            let next = limit * self.decrease;
            self.ignores_losses_for = next as u32;
            return next;
        }
        let in_flight = f64::from(sample.in_flight);
        if in_flight * IDLE < limit {
            limit * FORGET
        } else if says_nothing(limit, sample) {
            limit
        } else {
            limit + self.increase
        }
    }

    /// Which good samples change nothing: those in which the limit is neither idle nor in use, unless
    /// there was a loss of late. At an end of its range a limit can't go further.
    pub(super) fn deadband(&self, limit: f64, range: Range) -> Deadband {
        if self.ignores_losses_for > 0 {
            return Deadband::EMPTY;
        }
        let at_min = limit <= f64::from(range.min);
        let at_max = limit >= f64::from(range.max);
        Deadband {
            fewest: if at_min { 0 } else { ceil(limit / IDLE) },
            most: if at_max { u64::MAX } else { ceil(limit / UNUSED) - 1 },
            longest: u64::try_from(self.slow.as_nanos()).unwrap_or(u64::MAX),
            patience: 0,
        }
    }
}

/// The least whole number that is not below a part of a limit, which is at least 1.
// `f64::ceil` is a call into the C library.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a limit is a u32 with a fraction"
)]
fn ceil(part: f64) -> u64 {
    let whole = part as u32;
    u64::from(whole) + u64::from(f64::from(whole) < part)
}
