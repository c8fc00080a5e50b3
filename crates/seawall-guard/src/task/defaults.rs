//! Default settings, with the reason for each.

use std::time::Duration;

use seawall_core::Backoff;

/// How many restarts may happen within [`DEFAULT_WITHIN`]: with the default backoff a child that fails
/// at once is given up after about a second.
pub const DEFAULT_MAX_RESTARTS: u32 = 3;

/// The period in which restarts are counted: Erlang's default.
pub const DEFAULT_WITHIN: Duration = Duration::from_secs(5);

/// The largest number of restarts that may be allowed in a period: each is remembered until the period
/// is over.
pub const MAX_RESTARTS: u32 = 10_000;

/// How long children may go on after the stop: Erlang's default for workers.
pub const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(5);

/// The wait before a restart: 100 ms and twice as long each time, up to 5 s, with full jitter, so that
/// children that failed together are not restarted together.
pub fn default_backoff() -> Backoff {
    Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(5))
}
