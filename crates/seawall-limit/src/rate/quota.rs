use std::num::NonZeroU64;
use std::time::Duration;

use seawall_core::{Check, ConfigError};

/// So many permits a period, and so many at once.
///
/// Everything is a whole number: a period in nanoseconds, and counts. What a permit costs in time
/// is the fraction period / permits, which is never rounded, so any rate is kept exactly, also
/// above one permit a nanosecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Quota {
    /// How many permits a period grants.
    pub(crate) permits: NonZeroU64,
    /// The period in nanoseconds.
    pub(crate) period: NonZeroU64,
    /// How many permits can be taken at once.
    pub(crate) burst: NonZeroU64,
    /// A permit costs step / unit nanoseconds, in lowest terms.
    pub(crate) step: NonZeroU64,
    pub(crate) unit: NonZeroU64,
}

impl Quota {
    pub(crate) fn new(
        check: Check,
        permits: u64,
        period: Duration,
        burst: Option<u64>,
    ) -> Result<Self, ConfigError> {
        const ALLOWED_COUNT: &str = "between 1 and 9,223,372,036,854,775,807";
        let burst = burst.unwrap_or(permits);
        let counts = 1..=i64::MAX.unsigned_abs();
        check.that(counts.contains(&permits), "permits", permits, ALLOWED_COUNT)?;
        check.that(counts.contains(&burst), "burst", burst, ALLOWED_COUNT)?;
        let nanos = u64::try_from(period.as_nanos()).ok().and_then(NonZeroU64::new);
        let (Some(permits), Some(period), Some(burst)) =
            (NonZeroU64::new(permits), nanos, NonZeroU64::new(burst))
        else {
            let allowed = "above zero and at most 584 years";
            return Err(check
                .that(false, "period", format_args!("{period:?}"), allowed)
                .unwrap_err());
        };
        let shared = greatest_common_divisor(permits, period);
        let (step, unit) = (quotient(period, shared), quotient(permits, shared));
        let quota = Self { permits, period, burst, step, unit };
        let fills = i64::try_from(quota.nanos(burst.get()).0).is_ok();
        check.that(fills, "burst", burst, "refilled within 292 years")?;
        Ok(quota)
    }

    /// The permits of a period, as evidence shows them.
    #[expect(clippy::cast_precision_loss, reason = "for people; a rate is a round figure")]
    pub(crate) const fn shown(&self) -> f64 {
        self.permits.get() as f64
    }

    /// How long `permits` permits take to come: whole nanoseconds, and a rest in fractions of
    /// which [`unit`](Self::unit) make one.
    pub(crate) fn nanos(&self, permits: u64) -> (u64, u64) {
        divide(wide(permits) * wide(self.step.get()), self.unit.get())
    }
}

pub(crate) fn wide(number: u64) -> u128 {
    number.into()
}

/// How often, and the rest. More often than a u64 can say counts as often as it can say.
pub(crate) fn divide(number: u128, by: u64) -> (u64, u64) {
    let often = u64::try_from(number / wide(by)).unwrap_or(u64::MAX);
    // The rest of a division by a u64 is a u64.
    (often, u64::try_from(number % wide(by)).unwrap_or(u64::MAX))
}

/// Euclid's.
fn greatest_common_divisor(a: NonZeroU64, b: NonZeroU64) -> NonZeroU64 {
    let (mut divisor, mut rest) = (a, b.get());
    while let Some(next) = NonZeroU64::new(rest) {
        (divisor, rest) = (next, divisor.get() % next);
    }
    divisor
}

fn quotient(number: NonZeroU64, divisor: NonZeroU64) -> NonZeroU64 {
    // What a number is divided by is one of its divisors, so there is something left.
    NonZeroU64::new(number.get() / divisor).unwrap_or(NonZeroU64::MIN)
}
