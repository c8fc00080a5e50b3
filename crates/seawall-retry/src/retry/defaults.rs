//! Default settings of a retry, with the reason for each.

use std::time::Duration;

/// How many attempts a call may have, the first included, unless set. Most faults that go away at
/// all are gone at the second attempt; a third covers the rest without doubling the load again.
pub const DEFAULT_MAX_ATTEMPTS: u32 = 3;

/// The first delay, unless set: about the time that a new connection takes, or that it takes to
/// notice a failover. With full jitter the first wait is 50 ms on average.
pub const DEFAULT_INITIAL_DELAY: Duration = Duration::from_millis(100);

/// The longest delay, unless set: a caller is not kept waiting longer between attempts.
pub const DEFAULT_MAX_DELAY: Duration = Duration::from_secs(5);

/// The longest wait that a dependency can ask for, unless set. Few callers wait longer than a minute,
/// and a typing mistake in a header must not hold one for a day: a longer hint ends the call at once.
pub const DEFAULT_MAX_RETRY_AFTER: Duration = Duration::from_mins(1);

/// How often the same panic may come in one call, unless set. A panic that comes twice from the
/// same place with the same message will come a third time.
pub const DEFAULT_MAX_SAME_PANICS: u32 = 2;

/// The most errors that a history can keep.
pub const MAX_HISTORY: usize = 64;
