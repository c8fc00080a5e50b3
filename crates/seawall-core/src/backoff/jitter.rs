use std::fmt;

use super::schedule::scaled;
use crate::{Check, ConfigError, Random};

/// How delays are spread, so that clients which failed together do not come back together.
///
/// With `b` the delay that the schedule gives and `m` the maximum, a delay is evenly distributed
/// over the interval
///
/// | jitter | interval | source |
/// |---|---|---|
/// | `None` | exactly `b` | |
/// | `Full` | \[0, b) | Brooker, "Exponential Backoff And Jitter", AWS 2015: "full" |
/// | `Equal` | \[b/2, b) | the same: "equal" |
/// | `Proportional(r)` | \[b·(1 − r), min(b·(1 + r), m)) | gRPC connection backoff, with r = 0.2 |
/// | `Decorrelated` | \[i, min(3·p, m)) with `i` the first delay, `p` the delay before | Brooker, the same: "decorr" |
///
/// `Full` spreads best and puts the least load on a dependency that is coming back. `Equal` is for
/// callers that want a minimum pause each time. `Proportional` keeps close to the schedule.
/// `Decorrelated` uses only the first delay of the schedule: it grows from its own draws.
///
/// Where the sources clamp a drawn delay to the maximum, here the interval is cut; the reason is in
/// [`Backoff`](crate::Backoff#two-laws). An interval is never narrower than a
/// nanosecond.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Jitter {
    /// None: exactly the schedule.
    #[default]
    None,
    /// Anything up to the schedule's delay.
    Full,
    /// The second half of the schedule's delay.
    Equal,
    /// This share of the schedule's delay less or more; above 0 and at most 1.
    Proportional(f64),
    /// Between the first delay and three times the delay before.
    Decorrelated,
}

/// How many times the first delay has to fit into the maximum where jitter is decorrelated: with
/// less, cutting the interval at the maximum could leave less than a quarter of it.
pub(super) const ROOM: u64 = 4;

/// How much longer than the delay before a decorrelated delay can be.
const GROWTH: u64 = 3;

/// The nanoseconds from `start` up to, not including, `end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Interval {
    start: u64,
    end: u64,
}

impl Interval {
    /// The interval has at least one nanosecond, so that `end` is never drawn, unless both are zero.
    fn new(start: u64, end: u64) -> Self {
        let start = start.min(end.saturating_sub(1));
        Self { start, end }
    }

    pub(super) const fn start(self) -> u64 {
        self.start
    }

    pub(super) const fn end(self) -> u64 {
        self.end
    }

    pub(super) fn draw(self, random: &Random) -> u64 {
        self.start + random.below(self.end - self.start)
    }
}

impl Jitter {
    /// The interval around `base`, which is at most `max`.
    pub(super) fn interval(self, base: u64, max: u64) -> Interval {
        match self {
            Self::None | Self::Decorrelated => Interval { start: base, end: base },
            Self::Full => Interval::new(0, base),
            Self::Equal => Interval::new(base / 2, base),
            Self::Proportional(share) => {
                // At least a nanosecond, so that a small share of a small delay is not zero.
                let width = scaled(base, share).max(base.min(1));
                let end = base.saturating_add(width).min(max);
                Interval::new(base.saturating_sub(width), end)
            }
        }
    }

    pub(super) fn check(self, check: Check) -> Result<(), ConfigError> {
        match self {
            Self::Proportional(share) => check.rate("jitter", share).map(drop),
            _ => Ok(()),
        }
    }
}

/// The interval after a delay of `previous`.
pub(super) fn decorrelated(initial: u64, previous: Option<u64>, max: u64) -> Interval {
    let start = initial.min(max / ROOM);
    let previous = previous.unwrap_or(initial).max(start);
    Interval::new(start, previous.saturating_mul(GROWTH).min(max))
}

/// The exclusive upper bound of the n-th decorrelated delay.
pub(super) fn decorrelated_ceiling(initial: u64, n: u32, max: u64) -> u64 {
    GROWTH.checked_pow(n).map_or(u64::MAX, |growth| initial.saturating_mul(growth)).min(max)
}

impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("no jitter"),
            Self::Full => f.write_str("full jitter"),
            Self::Equal => f.write_str("equal jitter"),
            Self::Proportional(share) => write!(f, "jitter of ±{}%", share * 100.0),
            Self::Decorrelated => f.write_str("decorrelated jitter"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(jitter: Jitter, base: u64, max: u64) -> (u64, u64) {
        let Interval { start, end } = jitter.interval(base, max);
        (start, end)
    }

    #[test]
    fn the_intervals_are_those_of_the_table() {
        assert_eq!(span(Jitter::Full, 100, 1000), (0, 100));
        assert_eq!(span(Jitter::Equal, 100, 1000), (50, 100));
        assert_eq!(span(Jitter::Proportional(0.2), 100, 1000), (80, 120));
        assert_eq!(span(Jitter::Proportional(0.2), 100, 110), (80, 110));
        assert_eq!(span(Jitter::Proportional(1.0), 100, 1000), (0, 200));
    }

    #[test]
    fn an_interval_is_never_empty_above_zero() {
        for base in [1, 2, 3, u64::MAX] {
            for jitter in [Jitter::Full, Jitter::Equal, Jitter::Proportional(1e-12)] {
                let (start, end) = span(jitter, base, base);
                assert!(start < end && end <= base, "{jitter} of {base}: {start}..{end}");
            }
        }
    }

    #[test]
    fn decorrelated_starts_at_the_first_delay_and_triples() {
        let span = |previous| {
            let Interval { start, end } = decorrelated(10, previous, 1000);
            (start, end)
        };
        assert_eq!(span(None), (10, 30));
        assert_eq!(span(Some(20)), (10, 60));
        assert_eq!(span(Some(999)), (10, 1000));
        assert_eq!(span(Some(u64::MAX)), (10, 1000));
        assert_eq!(span(Some(0)), (10, 30));
    }

    #[test]
    fn the_ceiling_of_decorrelated_is_the_power_of_three() {
        assert_eq!(decorrelated_ceiling(10, 1, 1000), 30);
        assert_eq!(decorrelated_ceiling(10, 2, 1000), 90);
        assert_eq!(decorrelated_ceiling(10, 5, 1000), 1000);
        assert_eq!(decorrelated_ceiling(10, u32::MAX, u64::MAX), u64::MAX);
    }

    #[test]
    fn proportional_jitter_takes_a_share_above_0_and_up_to_1() {
        let check = Check::of(crate::PolicyKind::Retry);
        assert!(Jitter::Proportional(1.0).check(check).is_ok());
        for share in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            let error = Jitter::Proportional(share).check(check).unwrap_err();
            assert_eq!(error.field, "jitter");
        }
        // Unchecked, it still gives some delay within the maximum.
        for share in [-1.0, 7.0, f64::NAN, f64::INFINITY] {
            let interval = Jitter::Proportional(share).interval(100, 150);
            assert!(interval.draw(&Random::highest()) < 150);
        }
    }
}
