//! Default settings of a rate limit, with the reason for each.

use std::time::Duration;

/// 100 calls: with [`PERIOD`], a quota that many public services grant. Set the one that yours
/// grants.
pub const PERMITS: u64 = 100;

/// A second: quotas are mostly given per second.
pub const PERIOD: Duration = Duration::from_secs(1);
