//! When a call has to be over: decided from what is configured and what comes from further out,
//! without a clock.

use std::time::Duration;

use seawall_core::{Attempt, TimedOutBy};
use tokio::time::Instant;

/// The longest limit that can run out, about 2.2 years: the range of tokio's timer, less the
/// millisecond it rounds up by. Anything longer means "never".
pub const LONGEST: Duration = Duration::from_millis((1 << 36) - 2);

/// When a call has to be over, and what decides that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) due: Due,
    pub(super) by: TimedOutBy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Before it has begun.
    Now,
    At(Instant),
    Never,
}

impl Plan {
    /// The plan for a call that began at `began` and may take `limit`: the nearer of its own limit
    /// and the deadline that comes from further out.
    #[inline]
    pub(super) fn new(began: Instant, limit: Duration, outer: Option<Instant>) -> Self {
        match (own(began, limit), outer) {
            (Some(own), Some(outer)) if outer < own => Self::by_deadline(began, outer),
            (None, Some(outer)) => Self::by_deadline(began, outer),
            (Some(own), _) => {
                let due = if limit.is_zero() { Due::Now } else { Due::At(own) };
                Self { due, by: TimedOutBy::Limit }
            }
            (None, None) => Self { due: Due::Never, by: TimedOutBy::Limit },
        }
    }

    fn by_deadline(began: Instant, outer: Instant) -> Self {
        let left = outer.saturating_duration_since(began);
        let due = if left.is_zero() {
            Due::Now
        } else if left > LONGEST {
            Due::Never
        } else {
            Due::At(outer)
        };
        Self { due, by: TimedOutBy::Deadline }
    }
}

/// When `limit` runs out, if it ever does.
#[inline]
pub(super) fn own(began: Instant, limit: Duration) -> Option<Instant> {
    if limit <= LONGEST { began.checked_add(limit) } else { None }
}

/// What the operation inside is told: it is due when this call is, or sooner.
#[inline]
pub(super) fn narrowed(attempt: Attempt, began: Instant, limit: Duration) -> Attempt {
    match own(began, limit) {
        Some(own) => attempt.due_by(own),
        None => attempt,
    }
}
