//! # Adaptive limit
//!
//! At most as many calls in flight as the dependency turns out to stand; the rest is refused.
//!
//! # Why
//!
//! A [bulkhead](crate::bulkhead) helps exactly as far as its number fits. Capacity changes with
//! every deployment, with the size of the requests and with what else the dependency is doing; a
//! limit for each of ten clients has to change with how many of them are busy. An adaptive limit
//! finds the number by itself, from what calls come to and how long they take, as TCP does.
//!
//! # Quick start
//!
//! ```
//! use seawall_limit::AdaptiveLimit;
//!
//! # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limit = AdaptiveLimit::builder().build()?;
//! let stock = limit.call(fetch()).await?;
//! assert_eq!(stock, 42);
//! assert_eq!(limit.snapshot().in_flight, 0);
//! # Ok(())
//! # }
//! ```
//!
//! Its place in a pipeline is **inside the timeout of the attempt**, nearest to the operation: there
//! it sees by the deadline how long its caller would wait.
//!
//! # What it takes for overload
//!
//! The samples are (round-trip, in flight, lost). A call counts as lost if
//!
//! - it was cut off by a timeout, inside or outside,
//! - the dependency said that it has too much to do ([`Class::Overloaded`](seawall_core::Class)), or
//! - it took **more than half of the time that its callers wait**. The time callers wait is the
//!   longest that was left until the deadline of a call, of late.
//!
//! Other errors say nothing about the load and are no samples. A permanent error is an answer.
//!
//! The third rule needs no idea of what latency is normal. Limits that compare with the lowest
//! latency ever seen, or that can't grow back from one, are worse than none where calls differ in
//! size.
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> InFlight: fewer in flight than the limit
//!     [*] --> Refused: as many in flight as the limit
//!     InFlight --> [*]: answered, in time (limit + 1 if it is in use) or late (limit × 0.7)
//!     InFlight --> Lingering: timed out or given up late (limit × 0.7), or given up early
//!     Lingering --> [*]: after as long again as it ran
//! ```
//!
//! # Lingering
//!
//! A call that timed out here goes on there: the dependency does not know that nobody waits. If its
//! place were free at once, the next call would come on top. So the place of a call that was cut off
//! or given up stays taken for as long again as the call ran.
//!
//! # The algorithms
//!
//! | [`Adaptation`] | rule | trap |
//! |---|---|---|
//! | [`Aimd`] | + 1 for a good sample, × 0.7 for a lost one, at most once a round-trip | without deadlines it sees only losses |
//! | [`Vegas`] | keeps `limit × (1 − lowest / latest)` small | calls that differ in size look like a queue |
//! | [`Gradient`] | follows `usual / latest` | single long calls pull it down where calls differ much in size |
//!
//! A good sample raises a limit only if at least half of it was in flight: what is not used says
//! nothing. With AIMD a limit that is less than a quarter in use falls slowly. Whatever they are fed, limits are finite and within their range.
//!
//! # Defaults
//!
//! | setter | default | why |
//! |---|---|---|
//! | [`adaptation`](AdaptiveLimitBuilder::adaptation) | AIMD, + 1, × 0.7 | lost the least in the simulated outages |
//! | [`initial`](AdaptiveLimitBuilder::initial) | 20 | 1,000 calls/s of 20 ms |
//! | [`min`](AdaptiveLimitBuilder::min) | 2 | with 1, a call that lingers stops all others |
//! | [`max`](AdaptiveLimitBuilder::max) | 200 | more than a client needs, less than what sinks a server |
//!
//! # Telemetry
//!
//! Events: `Rejected` for each refusal, with how many are in flight and the limit at that moment.
//! [`AdaptiveLimit::snapshot`] gives the limit, what is in flight and what lingers. In
//! [shadow](AdaptiveLimitBuilder::shadow) it refuses nothing and counts what it would have refused.
//!
//! # Traps
//!
//! - **Nobody waits.** A call that is too many is refused at once. Put a bulkhead with a short queue
//!   around it if bursts should wait.
//! - **Outside the retry** it sees one call where there were several attempts.
//! - **Calls that take long by nature** (a report, a stream) look like overload if they take more
//!   than half of their time. Give them a limit of their own.
//! - **Fast failures** are no samples: while a dependency refuses connections at once, the limit
//!   stays where it is. That is what a breaker is for.
//!
//! # When not to use it
//!
//! If the number is known and does not change (a licence, a pool), a bulkhead is simpler and waits.
#![expect(
    clippy::inline_always,
    reason = "20 instructions a call, by count: the permit of a call that is answered stays in registers"
)]

pub use aimd::Aimd;
pub use config::{
    AdaptiveLimitBuilder, DEFAULT_DECREASE, DEFAULT_INITIAL, DEFAULT_MAX, DEFAULT_MIN,
};
pub use gradient::Gradient;
pub use machine::{Adaptation, Adaptive, Range, Sample};
pub use permit::AdaptivePermit;
pub use policy::{AdaptiveLimit, AdaptiveLimitSnapshot};
pub use vegas::Vegas;

mod aimd;
mod config;
mod deadband;
mod gradient;
mod machine;
mod permit;
mod policy;
mod state;
mod vegas;
