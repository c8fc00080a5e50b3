//! The algorithms behind one face. No lock, no clock: `now` is in nanoseconds since the limit was
//! built.

use super::fixed_window::FixedWindow;
use super::gcra::Gcra;
use super::quota::Quota;
use super::sliding_counter::SlidingCounter;
use super::sliding_log::SlidingLog;

/// How a rate limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Evenly, after a burst: never more than burst + rate × Δt in any interval Δt. The cheapest in
    /// time and memory, and the only one whose waiters start one by one instead of all at once.
    #[default]
    Gcra,
    /// A fixed number in each period. Around its edge **twice as many** can start within less than a
    /// period. For quotas that the dependency counts like this.
    FixedWindow,
    /// Never more than `permits` in any window of one period. Exact; remembers the time of every
    /// permit (eight bytes each), so at most 1,000,000 permits.
    SlidingLog,
    /// Never more than `permits` in any window of one period. Remembers 17 counts; in exchange, a
    /// permit comes back up to a sixteenth of the period late.
    SlidingCounter,
}

impl Algorithm {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Gcra => "evenly",
            Self::FixedWindow => "by fixed windows",
            Self::SlidingLog => "by a sliding log",
            Self::SlidingCounter => "by a sliding counter",
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Meter {
    Gcra(Gcra),
    Fixed(FixedWindow),
    Log(SlidingLog),
    Counter(Box<SlidingCounter>),
}

impl Meter {
    pub(crate) fn new(algorithm: Algorithm, quota: Quota) -> Self {
        match algorithm {
            Algorithm::Gcra => Self::Gcra(Gcra::new(quota)),
            Algorithm::FixedWindow => Self::Fixed(FixedWindow::new(quota)),
            Algorithm::SlidingLog => Self::Log(SlidingLog::new(quota)),
            Algorithm::SlidingCounter => Self::Counter(Box::new(SlidingCounter::new(quota))),
        }
    }

    /// Takes `permits` at `now`, or says in how many nanoseconds it could.
    pub(crate) fn take(&mut self, now: u64, permits: u64) -> Result<(), u64> {
        match self {
            Self::Gcra(meter) => meter.take(now, permits),
            Self::Fixed(meter) => meter.take(now, permits),
            Self::Log(meter) => meter.take(now, permits),
            Self::Counter(meter) => meter.take(now, permits),
        }
    }

    /// How many permits can be taken at `now`.
    pub(crate) fn available(&mut self, now: u64) -> u64 {
        match self {
            Self::Gcra(meter) => meter.available(now),
            Self::Fixed(meter) => meter.available(now),
            Self::Log(meter) => meter.available(now),
            Self::Counter(meter) => meter.available(now),
        }
    }

    /// When `permits` can be taken, if `ahead` others are taken first, each as soon as possible.
    pub(crate) fn due(&mut self, now: u64, ahead: u64, permits: u64) -> u64 {
        match self {
            Self::Gcra(meter) => meter.due(now, ahead, permits),
            Self::Fixed(meter) => meter.due(now, ahead, permits),
            Self::Log(meter) => meter.due(now, ahead, permits),
            Self::Counter(meter) => meter.due(now, ahead, permits),
        }
    }

    pub(crate) fn set_quota(&mut self, quota: Quota, now: u64) {
        match self {
            Self::Gcra(meter) => meter.set_quota(quota, now),
            Self::Fixed(meter) => meter.set_quota(quota, now),
            Self::Log(meter) => meter.set_quota(quota),
            Self::Counter(meter) => meter.set_quota(quota, now),
        }
    }
}
