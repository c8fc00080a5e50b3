//! Durations in eight bytes, so that errors stay small.

use std::fmt;
use std::time::Duration;

/// A duration in whole nanoseconds; a longer one than 584 years counts as 584 years.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct CompactDuration(u64);

impl CompactDuration {
    pub(crate) fn new(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }

    pub(crate) const fn get(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

impl From<Duration> for CompactDuration {
    fn from(duration: Duration) -> Self {
        Self::new(duration)
    }
}

impl fmt::Debug for CompactDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}

/// A duration that may be absent; one of 292 years or more is absent too, as it means "never".
///
/// So "time until never" can be computed by plain subtraction: the result is large enough to read as
/// absent.
#[derive(Clone, Copy)]
pub(crate) struct OptionalDuration(u64);

impl OptionalDuration {
    pub(crate) const NONE: Self = Self(u64::MAX);

    pub(crate) fn some(duration: Duration) -> Self {
        Self(CompactDuration::new(duration).0)
    }

    pub(crate) const fn some_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) const fn get(self) -> Option<Duration> {
        if self.0 < 1 << 63 { Some(Duration::from_nanos(self.0)) } else { None }
    }
}

impl PartialEq for OptionalDuration {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl fmt::Debug for OptionalDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
