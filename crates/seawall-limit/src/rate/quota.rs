use std::time::Duration;

use seawall_core::{Check, ConfigError, PolicyKind};

/// How many permits a period grants, and how many can be taken at once.
///
/// Everything is a whole number above zero: a period in nanoseconds, and counts. The time that a
/// permit costs is the fraction period / permits, which is never rounded. So any rate is kept
/// exactly, also above one permit a nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    /// How many permits a period grants.
    pub(crate) permits: u64,
    /// The period in nanoseconds.
    pub(crate) period: u64,
    /// How many permits can be taken at once.
    pub(crate) burst: u64,
    /// A permit costs step / unit nanoseconds, in lowest terms.
    pub(crate) step: u64,
    pub(crate) unit: u64,
}

impl Quota {
    pub(crate) fn new(
        permits: u64,
        period: Duration,
        burst: Option<u64>,
    ) -> Result<Self, ConfigError> {
        const COUNT: &str = "between 1 and 9,223,372,036,854,775,807";
        let check = Check::of(PolicyKind::RateLimit);
        let burst = burst.unwrap_or(permits);
        let counts = 1..=i64::MAX.unsigned_abs();
        check.that(counts.contains(&permits), "permits", permits, COUNT)?;
        check.that(counts.contains(&burst), "burst", burst, COUNT)?;
        let nanos = u64::try_from(period.as_nanos()).unwrap_or(0);
        let allowed = "above zero and at most 584 years";
        check.that(nanos > 0, "period", format_args!("{period:?}"), allowed)?;
        let divisor = greatest_common_divisor(permits, nanos);
        let (step, unit) = (nanos / divisor, permits / divisor);
        let quota = Self { permits, period: nanos, burst, step, unit };
        let fills = i64::try_from(quota.nanos(burst).0).is_ok();
        check.that(fills, "burst", burst, "refilled within 292 years")?;
        Ok(quota)
    }

    /// The permits of a period, for evidence.
    #[expect(clippy::cast_precision_loss, reason = "for people; a rate is a round figure")]
    pub(crate) const fn shown(&self) -> f64 {
        self.permits as f64
    }

    /// The time in which `permits` permits are granted: whole nanoseconds, and a rest in fractions
    /// of which [`unit`](Self::unit) make one.
    pub(crate) fn nanos(&self, permits: u64) -> (u64, u64) {
        divide(wide(permits) * wide(self.step), self.unit)
    }
}

pub(crate) fn wide(number: u64) -> u128 {
    number.into()
}

/// Quotient and rest. A quotient above what a u64 holds is the largest u64.
pub(crate) fn divide(number: u128, by: u64) -> (u64, u64) {
    let quotient = u64::try_from(number / wide(by)).unwrap_or(u64::MAX);
    // The rest of a division by a u64 is a u64.
    (quotient, u64::try_from(number % wide(by)).unwrap_or(u64::MAX))
}

/// Euclid's algorithm.
const fn greatest_common_divisor(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}
