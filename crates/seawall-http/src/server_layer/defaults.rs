//! Default settings of a server's layer, with the reason for each.

use std::time::Duration;

/// The longest that a server works on a request: as long as most clients and proxies wait.
pub const AT_MOST: Duration = Duration::from_secs(30);
