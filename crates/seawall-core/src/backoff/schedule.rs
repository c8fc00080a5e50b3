use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::{Check, ConfigError, contain};

/// The delays before jitter and maximum, in nanoseconds.
#[derive(Clone)]
pub(super) enum Schedule {
    Constant(u64),
    Linear {
        initial: u64,
        step: u64,
    },
    Exponential {
        initial: u64,
        factor: f64,
    },
    List(Arc<[u64]>),
    Function(Arc<dyn Fn(u32) -> Duration + Send + Sync>),
    /// A factor was given to a schedule that has none; kept so that `check` can say so.
    FactorWithout(f64),
}

/// Whole nanoseconds; at most 584 years.
pub(super) const fn nanos(duration: Duration) -> u64 {
    let whole = duration.as_secs().saturating_mul(1_000_000_000);
    whole.saturating_add(duration.subsec_nanos() as u64)
}

impl Schedule {
    pub(super) fn function(delay: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        Self::Function(Arc::new(delay))
    }

    pub(super) fn with_factor(self, factor: f64) -> Self {
        match self {
            Self::Exponential { initial, .. } => Self::Exponential { initial, factor },
            _ => Self::FactorWithout(factor),
        }
    }

    /// The n-th delay, `n` counting from 1; `None` if the user's function panicked.
    pub(super) fn nanos(&self, n: u32) -> Option<u64> {
        Some(match self {
            Self::Constant(delay) => *delay,
            Self::Linear { initial, step } => {
                initial.saturating_add(step.saturating_mul(u64::from(n - 1)))
            }
            Self::Exponential { initial, factor } => exponential(*initial, *factor, n - 1),
            Self::List(delays) => {
                let index = usize::try_from(n - 1).unwrap_or(usize::MAX);
                delays.get(index).or(delays.last()).copied().unwrap_or(0)
            }
            Self::Function(delay) => nanos(contain(|| delay(n)).ok()?),
            Self::FactorWithout(_) => 0,
        })
    }

    /// The first delay, where it is known without running the user's code.
    pub(super) const fn first(&self) -> Option<u64> {
        match self {
            Self::Constant(delay) => Some(*delay),
            Self::Linear { initial, .. } | Self::Exponential { initial, .. } => Some(*initial),
            Self::List(_) | Self::Function(_) | Self::FactorWithout(_) => None,
        }
    }

    /// The delay that repeats in the end, where there is one.
    pub(super) fn last(&self) -> Option<u64> {
        match self {
            Self::Constant(delay) => Some(*delay),
            Self::List(delays) => delays.last().copied(),
            _ => None,
        }
    }

    pub(super) fn grows(&self) -> bool {
        matches!(self, Self::Linear { .. } | Self::Exponential { .. })
    }

    pub(super) fn check(&self, check: Check) -> Result<(), ConfigError> {
        match self {
            Self::Constant(_) | Self::Function(_) => Ok(()),
            Self::Linear { initial, step } => {
                let both = initial.saturating_add(*step);
                check.positive("initial", Duration::from_nanos(both)).map(drop)
            }
            Self::Exponential { initial, factor } => {
                check.positive("initial", Duration::from_nanos(*initial))?;
                let holds = *factor >= 1.0 && factor.is_finite();
                check.that(holds, "factor", factor, "a number of at least 1")
            }
            Self::List(delays) => {
                check.that(!delays.is_empty(), "list", "empty", "at least one delay")
            }
            Self::FactorWithout(factor) => {
                check.that(false, "factor", factor, "left out: only exponential has one")
            }
        }
    }
}

/// `initial` · `factor`^`power`, rounded down, at most `u64::MAX`.
fn exponential(initial: u64, factor: f64, power: u32) -> u64 {
    if power == 0 {
        return initial;
    }
    // An infinite factor times a zero `initial` is NaN, which becomes 0 like `initial` itself. A
    // rounded product never falls below its first factor.
    scaled(initial, factor.powf(f64::from(power))).max(initial)
}

/// `nanos` · `by`, rounded down, at most `u64::MAX`; 0 if `by` is below 0 or NaN.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "rounding is documented, and `as` saturates at both ends"
)]
pub(super) fn scaled(nanos: u64, by: f64) -> u64 {
    (nanos as f64 * by) as u64
}

impl PartialEq for Schedule {
    /// Functions are equal if they are the same one.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Constant(a), Self::Constant(b)) => a == b,
            (
                Self::Linear { initial, step },
                Self::Linear { initial: other_initial, step: other_step },
            ) => (initial, step) == (other_initial, other_step),
            (
                Self::Exponential { initial, factor },
                Self::Exponential { initial: other_initial, factor: other_factor },
            ) => initial == other_initial && factor.to_bits() == other_factor.to_bits(),
            (Self::List(a), Self::List(b)) => a == b,
            (Self::Function(a), Self::Function(b)) => Arc::ptr_eq(a, b),
            (Self::FactorWithout(a), Self::FactorWithout(b)) => a.to_bits() == b.to_bits(),
            _ => false,
        }
    }
}

/// Completes a sentence that ends in "for".
impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = |nanos: &u64| Duration::from_nanos(*nanos);
        match self {
            Self::Constant(0) => f.write_str("no delay"),
            Self::Constant(delay) => write!(f, "{:?}", time(delay)),
            Self::Linear { initial, step } => {
                write!(f, "{:?} growing by {:?}", time(initial), time(step))
            }
            Self::Exponential { initial, factor } => {
                write!(f, "{:?} growing {factor}-fold", time(initial))
            }
            Self::List(delays) => write!(f, "a list of {}", delays.len()),
            Self::Function(_) => f.write_str("as long as a function says"),
            Self::FactorWithout(factor) => write!(f, "a factor of {factor} without its schedule"),
        }
    }
}
