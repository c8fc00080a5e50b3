//! Durations in eight bytes, so that errors stay small.

use std::fmt;
use std::time::Duration;

/// A duration in whole nanoseconds; what is longer than 584 years counts as 584 years.
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

/// A duration that may be absent; one that is too long to be held is absent too, as it means
/// "never".
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct OptionalDuration(u64);

impl OptionalDuration {
    pub(crate) const NONE: Self = Self(u64::MAX);

    pub(crate) fn some(duration: Duration) -> Self {
        Self(CompactDuration::new(duration).0)
    }

    #[inline]
    pub(crate) const fn some_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    pub(crate) const fn get(self) -> Option<Duration> {
        match self.0 {
            u64::MAX => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }
}

impl fmt::Debug for OptionalDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.get().fmt(f)
    }
}
