//! Default settings, with the reason for each.

use std::time::Duration;

/// Orchestrators kill 30 s after they ask (Kubernetes' `terminationGracePeriodSeconds`); what has
/// to be over by then must leave some time for the rest of the process.
pub const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(25);

/// The drain delay in hundredths of the grace period: 5 s of the default 25 s, which is what
/// balancers that probe every other second need to notice.
pub const DRAIN_DELAY_PERCENT: u32 = 20;

/// Three tenths of the grace period are kept for draining, so that a listener that does not close
/// costs no request its answer.
pub(crate) const DRAIN_PERCENT: u32 = 30;

/// A fifth of the grace period is kept for flushing: lost data is worse than a request that is cut
/// off.
pub(crate) const FLUSH_PERCENT: u32 = 20;

/// A tenth is kept for closing: saying goodbye to a peer takes a round trip or two.
pub(crate) const CLOSE_PERCENT: u32 = 10;

/// A few jobs at a time suit work that waits for others; work that computes wants one a core.
pub const DEFAULT_WORKERS: usize = 4;

/// Deep enough for a burst, shallow enough that a drain can finish what is queued.
pub const DEFAULT_QUEUE: usize = 1024;
