use std::num::NonZeroU64;
use std::time::Duration;

use seawall_core::{Check, ConfigError, PolicyKind};

/// How many permits a period grants, and how many can be taken at once.
///
/// Everything is a whole number: a period in nanoseconds, and counts. The time that a permit costs
/// is the fraction period / permits, which is never rounded. So any rate is kept exactly, also
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

const KIND: PolicyKind = PolicyKind::RateLimit;
const COUNTS: &str = "between 1 and 9,223,372,036,854,775,807";

impl Quota {
    pub(crate) fn new(
        permits: u64,
        period: Duration,
        burst: Option<u64>,
    ) -> Result<Self, ConfigError> {
        let count = |field, number: u64| {
            let fits = i64::try_from(number).ok().and(NonZeroU64::new(number));
            fits.ok_or_else(|| ConfigError::new(KIND, field, number, COUNTS))
        };
        let (permits, burst) =
            (count("permits", permits)?, count("burst", burst.unwrap_or(permits))?);
        let nanos = u64::try_from(period.as_nanos()).ok().and_then(NonZeroU64::new);
        let period = nanos.ok_or_else(|| {
            ConfigError::new(
                KIND,
                "period",
                format_args!("{period:?}"),
                "above zero and at most 584 years",
            )
        })?;
        let divisor = greatest_common_divisor(permits, period);
        let (step, unit) = (quotient(period, divisor), quotient(permits, divisor));
        let quota = Self { permits, period, burst, step, unit };
        let fills = i64::try_from(quota.nanos(burst.get()).0).is_ok();
        Check::of(KIND).that(fills, "burst", burst, "refilled within 292 years")?;
        Ok(quota)
    }

    /// The permits of a period, for evidence.
    #[expect(clippy::cast_precision_loss, reason = "for people; a rate is a round figure")]
    pub(crate) const fn shown(&self) -> f64 {
        self.permits.get() as f64
    }

    /// The time in which `permits` permits are granted: whole nanoseconds, and a rest in fractions
    /// of which [`unit`](Self::unit) make one.
    pub(crate) fn nanos(&self, permits: u64) -> (u64, u64) {
        divide(wide(permits) * wide(self.step.get()), self.unit.get())
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
fn greatest_common_divisor(a: NonZeroU64, b: NonZeroU64) -> NonZeroU64 {
    let (mut divisor, mut rest) = (a, b.get());
    while let Some(next) = NonZeroU64::new(rest) {
        (divisor, rest) = (next, divisor.get() % next);
    }
    divisor
}

fn quotient(number: NonZeroU64, divisor: NonZeroU64) -> NonZeroU64 {
    // A number divided by one of its divisors is at least 1.
    NonZeroU64::new(number.get() / divisor).unwrap_or(NonZeroU64::MIN)
}
