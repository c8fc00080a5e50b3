//! A standing queue, told from a burst.
//!
//! A queue that empties now and then is doing its work. One that has not been empty for an interval
//! is standing: it adds its length to every call's time and never gets shorter. From then on who
//! has waited for longer than the target is dropped, until the queue was empty once.
//!
//! After the "controlled delay" of B. Maurer, "Fail at Scale" (ACM Queue 13:8, 2015), itself after
//! `CoDel` (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 10:5, 2012).

use std::time::Duration;

use tokio::time::Instant;

/// When a queue counts as standing, and what is dropped then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    /// How long a call may have waited in a queue that is standing.
    pub(crate) target: Duration,
    /// For how long a queue must not have been empty to count as standing.
    pub(crate) interval: Duration,
}

impl Standing {
    /// Whether a call that waits since `since` in a queue that is not empty since `busy_since` is
    /// to be dropped.
    pub(crate) fn drops(self, since: Instant, busy_since: Instant, now: Instant) -> bool {
        now.saturating_duration_since(busy_since) > self.interval
            && now.saturating_duration_since(since) > self.target
    }
}
