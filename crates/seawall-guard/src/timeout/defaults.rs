//! Default settings, with the reason for each.

use std::time::Duration;

use seawall_core::Scope;

/// How long a whole call may take: the longest that a person or an upstream proxy waits. Most of
/// these give up after 30 or 60 seconds; an answer that comes later reaches nobody.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(30);

/// How long one attempt may take: three attempts fit into [`DEFAULT_LIMIT`].
pub const DEFAULT_ATTEMPT_LIMIT: Duration = Duration::from_secs(10);

/// How many pieces of blocking work may run at once. Each takes a thread, and one that hangs never
/// gives it back.
pub const DEFAULT_MAX_RUNNING: usize = 64;

/// How many pieces of detached work may run at once: work that outlives its callers piles up.
pub const DEFAULT_MAX_DETACHED: usize = 64;

/// The default limit of `scope`.
pub(super) const fn default_limit(scope: Scope) -> Duration {
    match scope {
        Scope::Attempt => DEFAULT_ATTEMPT_LIMIT,
        _ => DEFAULT_LIMIT,
    }
}
