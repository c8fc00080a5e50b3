//! Tells a standing queue from a burst.
//!
//! A queue that empties now and then does its work. One that has not been empty for an interval is
//! standing: it adds its length to the time of every call and never gets shorter. From then on
//! calls that have waited for longer than the target are dropped, until the queue is empty once.
//!
//! After the "controlled delay" of B. Maurer, "Fail at Scale" (ACM Queue 13:8, 2015), itself after
//! `CoDel` (Nichols and Jacobson, "Controlling Queue Delay", ACM Queue 10:5, 2012).

use std::time::Duration;

use tokio::time::Instant;

/// When a queue counts as standing, and which calls are dropped then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct CoDel {
    /// How long a call may wait in a standing queue.
    pub(crate) target: Duration,
    /// A queue that has not been empty for longer than this is standing.
    pub(crate) interval: Duration,
}

impl CoDel {
    /// Whether to drop a call that has waited since `since` in a queue that has not been empty
    /// since `busy_since`.
    pub(crate) fn drops(self, since: Instant, busy_since: Instant, now: Instant) -> bool {
        now.saturating_duration_since(busy_since) > self.interval
            && now.saturating_duration_since(since) > self.target
    }
}
