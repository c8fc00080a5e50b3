//! How long to wait before the next attempt.

use std::fmt;
use std::time::Duration;

pub use jitter::Jitter;
use schedule::{Schedule, nanos};

use crate::{Check, ConfigError, Random};

mod jitter;
mod schedule;

/// How long to wait before each repetition: a schedule, a maximum, and [`Jitter`].
///
/// A plain value without state of its own. The n-th delay is computed from `n` in constant time, so
/// one backoff serves any number of calls at once, and jitter never compounds into the schedule.
/// Everything saturates: nothing overflows, nothing becomes NaN, and no delay becomes zero by
/// growing. Delays are whole nanoseconds; 584 years is the longest.
///
/// | schedule | the n-th delay before jitter | default jitter | default maximum |
/// |---|---|---|---|
/// | [`none`](Self::none) | 0 | none | – |
/// | [`constant`](Self::constant) | `delay` | none | none |
/// | [`linear`](Self::linear) | `initial` + (n − 1) · `step` | none | 30 s, or `initial` if longer |
/// | [`exponential`](Self::exponential) | `initial` · `factor`ⁿ⁻¹ | [full](Jitter::Full) | 30 s, or `initial` if longer |
/// | [`list`](Self::list) | the n-th; the last repeats | none | none |
/// | [`from_fn`](Self::from_fn) | the result of the function | none | none |
///
/// # Two laws
///
/// 1. No delay exceeds the maximum.
/// 2. Delays do not pile up on the maximum. Jitter draws from a half-open interval that is *cut* at
///    the maximum, never from one that reaches beyond it with its results clamped. So a jittered
///    delay is always shorter than the maximum, and the interval keeps at least a quarter of its
///    nominal width, at saturation too.
///
/// Clamping results, as is common, sends every client that has reached the maximum back at the same
/// moment. Jitter is there to prevent exactly that.
///
/// ```
/// use seawall_core::{Backoff, Jitter, Random};
/// use std::time::Duration;
///
/// let backoff = Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(5));
/// assert_eq!(backoff.base(1), Duration::from_millis(100));
/// assert_eq!(backoff.base(4), Duration::from_millis(800));
/// assert_eq!(backoff.base(u32::MAX), Duration::from_secs(5));
///
/// let delay = backoff.delay(4, None, &Random::default());
/// assert!(delay < Duration::from_millis(800));
/// ```
#[derive(Clone, PartialEq)]
#[must_use = "a backoff does nothing until a policy is given it"]
pub struct Backoff {
    schedule: Schedule,
    // In nanoseconds, as all that is reckoned with.
    max: Option<u64>,
    jitter: Jitter,
}

const DEFAULT_MAX: u64 = nanos(Backoff::DEFAULT_MAX);

impl Backoff {
    /// The default maximum of a schedule that grows: 30 s. Long enough to leave a dependency alone,
    /// short enough for a caller that waits to notice that it is back.
    pub const DEFAULT_MAX: Duration = Duration::from_secs(30);

    /// The default factor of an exponential schedule: 2, the customary doubling.
    pub const DEFAULT_FACTOR: f64 = 2.0;

    /// How many delays of a list are kept; the last of them repeats.
    pub const MAX_LIST: u16 = 1024;

    const fn of(schedule: Schedule, jitter: Jitter) -> Self {
        Self { schedule, max: None, jitter }
    }

    /// No delay at all.
    pub const fn none() -> Self {
        Self::constant(Duration::ZERO)
    }

    /// The same delay each time, without jitter unless it is [given](Self::jitter).
    pub const fn constant(delay: Duration) -> Self {
        Self::of(Schedule::Constant(nanos(delay)), Jitter::None)
    }

    /// First `initial`, then `step` longer each time, without jitter unless it is
    /// [given](Self::jitter).
    pub const fn linear(initial: Duration, step: Duration) -> Self {
        let (initial, step) = (nanos(initial), nanos(step));
        Self::of(Schedule::Linear { initial, step }, Jitter::None)
    }

    /// First `initial`, then [`factor`](Self::factor) times longer each time, with
    /// [full](Jitter::Full) jitter unless another is [given](Self::jitter).
    pub const fn exponential(initial: Duration) -> Self {
        let (initial, factor) = (nanos(initial), Self::DEFAULT_FACTOR);
        Self::of(Schedule::Exponential { initial, factor }, Jitter::Full)
    }

    /// The delays of the iterator, then the last of them again and again; without jitter unless it is
    /// [given](Self::jitter).
    ///
    /// The iterator is read once, here, up to [`MAX_LIST`](Self::MAX_LIST) delays, so it may be
    /// endless.
    pub fn list(delays: impl IntoIterator<Item = Duration>) -> Self {
        let delays = delays.into_iter().take(usize::from(Self::MAX_LIST)).map(nanos).collect();
        Self::of(Schedule::List(delays), Jitter::None)
    }

    /// The delay that `delay` returns for `n`, counting from 1; without jitter unless it is
    /// [given](Self::jitter).
    ///
    /// A panic in it is contained and gives the [maximum](Self::max), or
    /// [`DEFAULT_MAX`](Self::DEFAULT_MAX) where none was set.
    pub fn from_fn(delay: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        Self::of(Schedule::function(delay), Jitter::None)
    }

    /// The factor of an exponential schedule, a number of at least 1. Default:
    /// [`DEFAULT_FACTOR`](Self::DEFAULT_FACTOR). Refused for other schedules.
    pub fn factor(mut self, factor: f64) -> Self {
        self.schedule = self.schedule.with_factor(factor);
        self
    }

    /// The longest delay, jitter included.
    pub const fn max(mut self, max: Duration) -> Self {
        self.max = Some(nanos(max));
        self
    }

    /// How the delays are spread.
    pub const fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// How the delays are spread: as [`jitter`](Self::jitter) set it, or by the schedule's default.
    pub const fn jitter_kind(&self) -> Jitter {
        self.jitter
    }

    /// Checks the settings, naming the first field that is wrong. Policies call it when they are built.
    ///
    /// The methods below work without it: they return some delay for every configuration and never
    /// panic.
    pub fn check(&self, check: Check) -> Result<(), ConfigError> {
        self.schedule.check(check)?;
        self.jitter.check(check)?;
        let max = self.max_duration();
        if let Some(nanos) = self.max {
            check.positive("max", max)?;
            let fits = self.schedule.first().is_none_or(|first| first <= nanos);
            check.that(fits, "max", format_args!("{max:?}"), "at least the first delay")?;
        }
        if self.jitter == Jitter::Decorrelated {
            let roomy = self.base_nanos(1) <= self.max_nanos() / jitter::ROOM;
            let allowed = "at least four times the first delay where jitter is decorrelated";
            check.that(roomy, "max", format_args!("{max:?}"), allowed)?;
        }
        Ok(())
    }

    /// The n-th delay before jitter, `n` counting from 1 (0 counts as 1).
    ///
    /// It never falls as `n` grows, except in a list or a function that falls itself.
    pub fn base(&self, n: u32) -> Duration {
        Duration::from_nanos(self.base_nanos(n))
    }

    /// The n-th delay, `n` counting from 1 (0 counts as 1): the wait before the n-th repetition.
    ///
    /// `previous` is the delay before this one, `None` where there was none. Only
    /// [decorrelated](Jitter::Decorrelated) jitter uses it.
    pub fn delay(&self, n: u32, previous: Option<Duration>, random: &Random) -> Duration {
        let interval = match self.jitter {
            Jitter::None => return Duration::from_nanos(self.base_nanos(n)),
            Jitter::Decorrelated => {
                let initial = self.base_nanos(1);
                jitter::decorrelated(initial, previous.map(nanos), self.max_nanos())
            }
            jitter => jitter.interval(self.base_nanos(n), self.max_nanos()),
        };
        Duration::from_nanos(interval.draw(random))
    }

    /// An upper bound of the n-th delay, `n` counting from 1 (0 counts as 1).
    pub fn ceiling(&self, n: u32) -> Duration {
        let max = self.max_nanos();
        Duration::from_nanos(match self.jitter {
            Jitter::None => self.base_nanos(n),
            Jitter::Decorrelated => jitter::decorrelated_ceiling(self.base_nanos(1), n, max),
            jitter => jitter.interval(self.base_nanos(n), max).end(),
        })
    }

    /// A lower bound of the n-th delay, `n` counting from 1 (0 counts as 1).
    pub fn floor(&self, n: u32) -> Duration {
        let max = self.max_nanos();
        Duration::from_nanos(match self.jitter {
            Jitter::None => self.base_nanos(n),
            Jitter::Decorrelated => jitter::decorrelated(self.base_nanos(1), None, max).start(),
            jitter => jitter.interval(self.base_nanos(n), max).start(),
        })
    }

    /// An upper bound of the first `count` delays together; `None` if nothing bounds them.
    ///
    /// It adds up the first 1,024 of them; each one beyond counts as the maximum.
    pub fn total(&self, count: u32) -> Option<Duration> {
        let summed = count.min(u32::from(Self::MAX_LIST));
        let sum =
            (1..=summed).map(|n| self.ceiling(n)).fold(Duration::ZERO, Duration::saturating_add);
        match count - summed {
            0 => Some(sum),
            rest => {
                let longest = match self.schedule.last() {
                    Some(last) if self.jitter == Jitter::None => last.min(self.max_nanos()),
                    _ => self.max_nanos(),
                };
                let more = Duration::from_nanos(longest).saturating_mul(rest);
                (longest < u64::MAX).then(|| sum.saturating_add(more))
            }
        }
    }

    fn base_nanos(&self, n: u32) -> u64 {
        let max = self.max_nanos();
        match self.schedule.nanos(n.max(1)) {
            Some(delay) => delay.min(max),
            None => max.min(DEFAULT_MAX),
        }
    }

    fn max_duration(&self) -> Duration {
        Duration::from_nanos(self.max_nanos())
    }

    /// The maximum that is in force.
    fn max_nanos(&self) -> u64 {
        match self.max {
            Some(max) => max,
            None if self.schedule.grows() || self.jitter == Jitter::Decorrelated => {
                self.schedule.first().unwrap_or(0).max(DEFAULT_MAX)
            }
            None => u64::MAX,
        }
    }
}

impl From<Duration> for Backoff {
    /// The same delay each time.
    fn from(delay: Duration) -> Self {
        Self::constant(delay)
    }
}

impl fmt::Display for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.schedule.fmt(f)?;
        if self.max_nanos() < u64::MAX {
            write!(f, " up to {:?}", self.max_duration())?;
        }
        match self.jitter {
            Jitter::None => Ok(()),
            jitter => write!(f, ", {jitter}"),
        }
    }
}

impl fmt::Debug for Backoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Backoff({self})")
    }
}
