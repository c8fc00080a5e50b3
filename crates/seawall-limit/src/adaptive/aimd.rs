use std::time::Duration;

use super::deadband::Calm;
use super::machine::{UNUSED, says_nothing};
use super::{Range, Sample};

/// Additive increase, multiplicative decrease.
///
/// - lost, or slower than `slow`: `limit × decrease`, at most once for as many samples as the limit
///   is, which is about one round-trip: calls that are lost together are one overload, not many
/// - otherwise, if at least half of the limit was in flight: `limit + increase`; if less than a
///   quarter was: `limit × 0.99`, so that a limit from busier times does not let a burst through
///
/// Source: Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion
/// Avoidance in Computer Networks" (1989).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aimd {
    slow: Duration,
    increase: f64,
    decrease: f64,
    deaf_for: u32,
}

/// A limit of more than this many times what is in flight is not in use,
const IDLE: f64 = 4.0;
/// and falls by this factor with each good sample.
const FORGET: f64 = 0.99;

impl Default for Aimd {
    /// Decreases to [0.7](super::DEFAULT_DECREASE) on loss, increases by 1; nothing is slow.
    fn default() -> Self {
        Self { slow: Duration::MAX, increase: 1.0, decrease: super::DEFAULT_DECREASE, deaf_for: 0 }
    }
}

impl Aimd {
    /// Takes samples that took longer than this for lost.
    #[must_use]
    pub const fn slow(mut self, slow: Duration) -> Self {
        self.slow = slow;
        self
    }

    /// By how much a good sample raises the limit.
    #[must_use]
    pub const fn increase(mut self, increase: f64) -> Self {
        self.increase = increase;
        self
    }

    /// By what a lost one multiplies it.
    #[must_use]
    pub const fn decrease(mut self, decrease: f64) -> Self {
        self.decrease = decrease;
        self
    }

    pub(super) const fn parameters(&self) -> (f64, f64) {
        (self.increase, self.decrease)
    }

    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a limit is a u32 with a fraction"
    )]
    pub(super) fn next(&mut self, limit: f64, sample: &Sample) -> f64 {
        self.deaf_for = self.deaf_for.saturating_sub(1);
        if sample.dropped || sample.rtt > self.slow {
            if self.deaf_for > 0 {
                return limit;
            }
            let next = limit * self.decrease;
            self.deaf_for = next as u32;
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

    /// Which good samples change nothing: where the limit is neither idle nor in use, and no loss
    /// is to be got over. At an end of its range it can't go further.
    #[inline]
    pub(super) fn calm(&self, limit: f64, range: Range) -> Calm {
        if self.deaf_for > 0 {
            return Calm::NEVER;
        }
        let at_min = limit <= f64::from(range.min);
        let at_max = limit >= f64::from(range.max);
        Calm {
            fewest: if at_min { 0 } else { ceil(limit / IDLE) },
            most: if at_max { u32::MAX } else { ceil(limit / UNUSED) - 1 },
            longest: u64::try_from(self.slow.as_nanos()).unwrap_or(u64::MAX),
            patience: 0,
        }
    }
}

/// The least whole number that is not below a part of a limit, which is at least 1.
// What the standard library has for it is a call into the C library.
#[inline]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a part of a limit is a u32 with a fraction"
)]
fn ceil(part: f64) -> u32 {
    let whole = part as u32;
    whole + u32::from(f64::from(whole) < part)
}
