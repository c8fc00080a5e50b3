use std::fmt;
use std::time::Duration;

use crate::compact::CompactDuration;
use crate::{Attempt, Name, PolicyKind};

/// A call that a timeout cut off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimedOut {
    pub(super) policy: Name,
    limit: CompactDuration,
    elapsed: CompactDuration,
    attempt: u32,
    max_attempts: u32,
    scope: Scope,
    by: TimedOutBy,
}

/// What a timeout bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// The whole call, with all its attempts and the waiting between them.
    Total,
    /// One attempt.
    Attempt,
}

/// Which limit ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TimedOutBy {
    /// The timeout's own limit.
    Limit,
    /// A deadline from an outer layer that was earlier than the timeout's own limit.
    Deadline,
}

impl Scope {
    /// The scope as a word, for metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Attempt => "attempt",
        }
    }
}

impl TimedOut {
    /// `policy` cut a call off after `elapsed`.
    pub fn new(
        policy: Name,
        scope: Scope,
        by: TimedOutBy,
        limit: Duration,
        elapsed: Duration,
        attempt: Attempt,
    ) -> Self {
        Self {
            policy,
            limit: limit.into(),
            elapsed: elapsed.into(),
            attempt: attempt.number(),
            max_attempts: attempt.max().unwrap_or(0),
            scope,
            by,
        }
    }

    /// The name of the timeout.
    pub const fn policy(&self) -> &Name {
        &self.policy
    }

    /// The configured limit; 584 years for any that is longer.
    pub const fn limit(&self) -> Duration {
        self.limit.get()
    }

    /// How long the call had run.
    pub const fn elapsed(&self) -> Duration {
        self.elapsed.get()
    }

    /// Which attempt it was.
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// How many attempts were allowed, where a policy repeats the call.
    pub fn max_attempts(&self) -> Option<u32> {
        (self.max_attempts > 0).then_some(self.max_attempts)
    }

    /// Whether the whole call or one attempt was cut off.
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether the timeout's own limit ran out or an outer deadline.
    pub const fn by(&self) -> TimedOutBy {
        self.by
    }
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scope = match self.scope {
            Scope::Total => "",
            Scope::Attempt => "attempt ",
        };
        write!(f, "{scope}{} '{}': ", PolicyKind::Timeout, self.policy)?;
        match self.by {
            TimedOutBy::Limit => {
                write!(f, "no outcome after {:.3?} (limit {:?})", self.elapsed(), self.limit())?;
            }
            TimedOutBy::Deadline => {
                let of = Of(self.policy.time_limit());
                write!(f, "the deadline{of} passed after {:.3?}", self.elapsed())?;
                if self.limit != CompactDuration::new(Duration::MAX) {
                    write!(f, ", before the limit of {:?}", self.limit())?;
                }
            }
        }
        match (self.scope, self.max_attempts()) {
            (Scope::Attempt, Some(max)) => write!(f, ", attempt {} of {max}", self.attempt),
            (Scope::Attempt, None) if self.attempt > 1 => write!(f, ", attempt {}", self.attempt),
            _ => Ok(()),
        }
    }
}

/// Whose deadline it was, in a sentence.
pub(super) struct Of<'a>(pub(super) Option<&'a Name>);

impl fmt::Display for Of<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |name| write!(f, " of '{name}'"))
    }
}

impl std::error::Error for TimedOut {}
