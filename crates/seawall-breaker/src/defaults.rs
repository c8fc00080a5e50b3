//! What a breaker does that was told nothing, and why.
//!
//! The defaults are chosen for a client of a few to a few thousand calls per second with retries
//! around the breaker: to open within a fifth of a second of a hard failure, to stay closed while
//! retries cope, and to be closed again within half a second of the dependency's return.

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
/// Most failures are short: a restart, a failover, a lost connection. A probe ten times a second is
/// no load.
pub const FIRST_OPEN_WAIT: Duration = Duration::from_millis(100);

/// The longest open wait: 500 ms.
///
/// This is how long callers may be kept out after the dependency is back. Two probes twice a second
/// are no load either, even from a thousand clients.
pub const MAX_OPEN_WAIT: Duration = Duration::from_millis(500);

/// Closed for this long, the next opening counts as the first: 10 s.
///
/// Long against the longest open wait, so that a dependency which goes down again and again is
/// probed less often; short against the time between two incidents.
pub const FORGET_AFTER: Duration = Duration::from_secs(10);

/// The longest wait that a server's hint may ask for: 5 s. A server that asks for an hour would have
/// its callers refused for an hour on the word of one response.
pub const MAX_HINT: Duration = Duration::from_secs(5);

/// Probes: 2, both of which must succeed.
///
/// One may be lucky. With every further one the verdict takes longer, and a dependency that still
/// fails now and then is more likely to be kept out by a single failure.
pub const PROBES: u32 = 2;

/// The shortest lease of a probe: 1 ms. A wait may be drawn shorter, down to nothing; a lease that
/// short would end before any answer.
pub const MIN_LEASE: Duration = Duration::from_millis(1);

/// How long a lease gets that ended in vain again and again: 2 s.
///
/// This is how long callers are kept out at most by probes that hang, after the dependency is back.
/// Probes that are answered later than that lengthen it by their answer.
pub const MAX_LEASE: Duration = Duration::from_secs(2);

/// The open wait: [`FIRST_OPEN_WAIT`], doubled with each reopening up to [`MAX_OPEN_WAIT`], of
/// which the second half is drawn by chance, so that clients which were cut off together do not
/// probe together.
pub fn open_wait() -> Backoff {
    Backoff::exponential(FIRST_OPEN_WAIT).max(MAX_OPEN_WAIT).jitter(Jitter::Equal)
}
