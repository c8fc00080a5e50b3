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
pub(crate) struct Plan {
    pub(crate) began: Instant,
    /// `None` is never.
    pub(crate) due: Option<Instant>,
    pub(crate) by: TimedOutBy,
}

impl Plan {
    /// The plan for a call that begins with `attempt` and may take `limit`: the nearer of its own
    /// limit and the deadline that comes from further out.
    #[inline]
    pub(crate) fn new(attempt: &mut Attempt, limit: Duration) -> Self {
        let began = attempt.began();
        let own = if limit <= LONGEST { began.checked_add(limit) } else { None };
        let (due, by) = match (own, attempt.deadline()) {
            (Some(own), Some(outer)) if outer < own => (Some(outer), TimedOutBy::Deadline),
            (None, Some(outer)) => (Some(outer), TimedOutBy::Deadline),
            (own, _) => (own, TimedOutBy::Limit),
        };
        Self { began, due, by }
    }
}
