//! # Adaptive limit
//!
//! Admits as many calls in flight as the dependency turns out to bear; the rest is refused.
//!
//! # Why
//!
//! The right limit of a bulkhead is what the dependency can do at once, divided among its clients.
//! Few people know the number, and it changes: with every deployment, with the size of the data,
//! and for each of ten clients with how many of the others are busy. An adaptive limit finds the
//! number by itself, from how calls end and how long they take, as TCP does.
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
//! Its place in a pipeline is **inside the timeout of the attempt**, nearest to the operation. There
//! the deadline of the attempt shows how long the caller would wait.
//!
//! # What counts as overload
//!
//! A sample is (round-trip, in flight, lost). A call counts as lost if
//!
//! - it was cut off by a timeout, inside or outside,
//! - the dependency said that it is overloaded ([`Class::Overloaded`](seawall_core::Class)), or
//! - it took **more than half of the time that its callers wait**. That time is the longest that was
//!   left until the deadline of a recent call.
//!
//! A caller that leaves less time than answers take anyway (their mean and mean deviation of late)
//! says nothing about the dependency: being cut off, its call is no loss. Only when nothing is
//! answered for [a second](defaults::MAX_SILENCE) are these calls losses too.
//!
//! Other errors say nothing about the load and are no samples. A permanent error is an answer.
//!
//! The third rule needs no idea of what latency is normal. Limits that compare with the lowest
//! latency ever seen, or that can't grow back from one, do harm where calls differ in size.
//!
#![doc = include_str!("adaptive/states.svg")]
//!
//! # Lingering
//!
//! A call that timed out here goes on there: the dependency does not know that nobody waits. If its
//! place were free at once, the next call would add to the load. So the place of a call that was cut
//! off or given up lingers: it stays taken for as long again as the call ran, but for
//! [a minute](defaults::MAX_LINGER) at most.
//!
//! # The algorithms
//!
//! | [`Adaptation`] | rule | trap |
//! |---|---|---|
//! | [`Aimd`] | + 1 for a good sample, × 0.7 for a lost one, at most once a round-trip | without deadlines it sees only losses |
//! | [`Vegas`] | keeps `limit × (1 − lowest / latest)` small | calls that differ in size look like a queue |
//! | [`Gradient`] | follows `usual / latest` | single long calls pull it down where calls differ much in size |
//!
//! A good sample raises a limit only if at least half of the limit was in flight: a limit that is
//! not used shows nothing. With AIMD a limit of which less than a quarter is in use falls slowly.
//! Whatever the samples are, limits are finite and within their range.
//!
//! # Defaults
//!
//! | setter | default | why |
//! |---|---|---|
//! | [`adaptation`](AdaptiveLimitBuilder::adaptation) | AIMD, + 1, × 0.7 | lost the least in the simulated outages |
//! | [`initial`](AdaptiveLimitBuilder::initial) | 20 | 1,000 calls/s of 20 ms |
//! | [`min`](AdaptiveLimitBuilder::min) | 2 | with 1, a call that lingers stops all others |
//! | [`max`](AdaptiveLimitBuilder::max) | 1000000 | no cap that a healthy load reaches |
//! | [`priority_share`](AdaptiveLimitBuilder::priority_share) | all of the limit | only the application knows what matters less |
//!
//! # Telemetry
//!
//! Events: `Rejected` for each refusal, with the calls in flight and the limit at that moment.
//! [`AdaptiveLimit::snapshot`] gives the limit, the calls in flight and those that linger. In
//! [shadow](AdaptiveLimitBuilder::shadow) it refuses nothing and counts what it would have refused.
//!
//! # Traps
//!
//! - **No call waits.** A call above the limit is refused at once. Put a bulkhead with a short queue
//!   around it if bursts should wait.
//! - **Outside the retry** it sees one call where there were several attempts.
//! - **Calls that take long by nature** (a report, a stream) look like overload if they take more
//!   than half of their time. Give them a limit of their own.
//! - **Fast failures** are no samples: while a dependency refuses connections at once, the limit
//!   stays where it is. That is what a breaker is for.
//!
//! # When not to use it
//!
//! If the number is known and does not change (a licence, a pool), a bulkhead is simpler, and its
//! calls can wait.

pub use aimd::Aimd;
pub use config::AdaptiveLimitBuilder;
pub use gradient::Gradient;
pub use machine::{Adaptation, Adaptive, Range, Sample};
pub use permit::{AdaptivePermit, OwnedAdaptivePermit};
pub use policy::{AdaptiveLimit, AdaptiveLimitSnapshot};
pub use vegas::Vegas;

mod aimd;
mod config;
mod deadband;
pub mod defaults;
mod gradient;
mod inspect;
mod machine;
mod permit;
mod policy;
mod shared;
mod state;
mod vegas;
