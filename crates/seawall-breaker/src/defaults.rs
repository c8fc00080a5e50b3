//! Default settings of a breaker, with the reason for each.
//!
//! The defaults are chosen for a client of a few to a few thousand calls per second with retries
//! around the breaker: it opens within a fifth of a second of a hard failure, stays closed while
//! retries cope, and closes again within half a second of the dependency's return.

use std::time::Duration;

use seawall_core::{Backoff, Jitter};

/// Failures in a row: 20.
///
/// A dependency that is down fails every call, so at 300 calls per second this opens the circuit
/// within 70 ms. One that fails 30 % of its calls has 20 failures in a row once in 10¹⁰ calls.
pub const CONSECUTIVE_FAILURES: u32 = 20;

/// The share of failures: half.
///
/// Below it, three attempts bring seven of eight calls home or better; above it, retries multiply
/// the load by more than two.
pub const FAILURE_RATE: f64 = 0.5;

/// The count window: 200 outcomes.
///
/// Large enough that a dependency which fails 30 % of its calls does not look like one that fails
/// half (once in 10⁹ windows); small enough to be renewed in under a second at a few hundred calls
/// per second. A count window needs no clock.
pub const COUNT_WINDOW: u32 = 200;

/// Outcomes in the window before its rates count: 100.
///
/// With fewer, chance decides: of 20 calls to a dependency that fails 30 %, half fail once in 20
/// windows; of 100, once in 50,000. For what is worse than that, failures in a row are counted.
pub const MIN_CALLS: u32 = 100;

/// Slices of a time window: 10. The window is exact to a tenth.
pub const SLICES: u32 = 10;

/// The first open wait: 100 ms.
///
/// Most failures are short: a restart, a failover, a lost connection. Ten probes a second are no
/// load.
pub const FIRST_OPEN_WAIT: Duration = Duration::from_millis(100);

/// The longest open wait: 500 ms.
///
/// Callers may be refused for this long after the dependency is back. Two probes twice a second are
/// no load either, even from a thousand clients.
pub const MAX_OPEN_WAIT: Duration = Duration::from_millis(500);

/// The time in the closed state after which the next opening counts as the first: 10 s.
///
/// Long compared with the longest open wait, so that a dependency that goes down again and again is
/// probed less often. Short compared with the time between two incidents.
pub const FORGET_AFTER: Duration = Duration::from_secs(10);

/// The longest wait that a server's `Retry-After` may ask for: 5 s. Without a bound, one response
/// that asks for an hour would have all callers refused for an hour.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(5);

/// Probes: 2, both of which must succeed.
///
/// One may be lucky. With every further one the verdict takes longer, and a dependency that still
/// fails now and then is more likely to be kept out by a single failure.
pub const PROBES: u32 = 2;

/// The shortest lease of a probe: 1 ms. A wait may be drawn shorter, down to zero; such a lease
/// would end before any answer.
pub const MIN_LEASE: Duration = Duration::from_millis(1);

/// The longest lease that expired leases lead to: 2 s.
///
/// Probes that hang keep callers out for at most this long after the dependency is back.
pub const MAX_LEASE: Duration = Duration::from_secs(2);

/// The open wait: [`FIRST_OPEN_WAIT`], doubled with each reopening up to [`MAX_OPEN_WAIT`]. Its
/// second half is random, so that clients that were cut off together do not probe together.
pub fn open_wait() -> Backoff {
    Backoff::exponential(FIRST_OPEN_WAIT).max(MAX_OPEN_WAIT).jitter(Jitter::Equal)
}
