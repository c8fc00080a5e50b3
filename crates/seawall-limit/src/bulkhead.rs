//! # Bulkhead
//!
//! Admits a limited number of calls in flight; the rest waits in a bounded queue or is refused.
//!
//! # Why
//!
//! A dependency that gets slow does not get fewer calls: at the same rate, ten times the time means
//! ten times the calls in flight (Little's law: in flight = rate × time). They hold connections,
//! memory and tasks of the caller, and places in the queue of the dependency, which gets slower
//! still. A limit on the calls in flight stops that on both sides: what the dependency can't do is
//! refused here, at once, instead of timing out there.
//!
//! # Quick start
//!
//! ```
//! use std::time::Duration;
//! use seawall_limit::Bulkhead;
//!
//! # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bulkhead = Bulkhead::builder()
//!     .limit(10)
//!     .queue(20, Duration::from_millis(50))
//!     .build()?;
//!
//! let stock = bulkhead.call(fetch()).await?;
//! assert_eq!(stock, 42);
//!
//! // The same limit for code that is no future.
//! let permit = bulkhead.try_acquire()?;
//! drop(permit);
//! # Ok(())
//! # }
//! ```
//!
//! # How a call passes through it
//!
#![doc = include_str!("bulkhead/states.svg")]
//!
//! Permits are values. Dropped at any point they come back, and a permit that was granted to a
//! waiter that is gone goes to the next. No call overtakes the waiters: while there are any, a
//! [`try_acquire`](Bulkhead::try_acquire) is refused, even in the instant in which a permit is on
//! its way from one call to the next. The exception is a call that is more important than all
//! waiters, in a queue [by priority](BulkheadBuilder::by_priority). Even that call waits if its
//! [partition](BulkheadBuilder::partition) has its share while one that has not waits.
//!
//! # Handles for different calls
//!
//! A handle says what its calls ask for; clones of it share the limit. So a pipeline for batch jobs
//! and one for people can share one bulkhead:
//!
//! ```
//! # use std::time::Duration;
//! use seawall_limit::{Bulkhead, Priority};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bulkhead = Bulkhead::builder()
//!     .limit(10)
//!     .priority_share(Priority::Low, 0.5)
//!     .build()?;
//! let batch = bulkhead.with_priority(Priority::Low);
//! let bulky = bulkhead.with_weight(4)?;
//!
//! let held = [bulky.try_acquire()?, bulky.try_acquire()?];
//! assert!(batch.try_acquire().is_err());
//! assert!(bulkhead.try_acquire().is_ok());
//! # drop(held);
//! # Ok(())
//! # }
//! ```
//!
//! # Defaults
//!
//! | setter | default | why |
//! |---|---|---|
//! | [`limit`](BulkheadBuilder::limit) | 25 | a dependency of 25 ms at 1,000 calls/s; choose your own |
//! | [`queue`](BulkheadBuilder::queue) | none | a queue adds its length to the time of every call; short bursts need a short one |
//! | [`lifo`](BulkheadBuilder::lifo), [`by_priority`](BulkheadBuilder::by_priority) | first come, first served | what people expect; the others are for overloads |
//! | [`fair`](BulkheadBuilder::fair) | off | only the application knows its tenants |
//! | [`codel`](BulkheadBuilder::codel) | off | the longest wait bounds the queue's delay already |
//! | [`partition`](BulkheadBuilder::partition) | none | only the application knows its kinds of calls |
//! | [`priority_share`](BulkheadBuilder::priority_share) | all of the limit | only the application knows what matters less |
//!
//! # Telemetry
//!
//! Events: `Rejected` for each refusal with its reason, the calls in flight and the waiters;
//! `LimitChanged`. [`Bulkhead::snapshot`] gives the calls in flight, queued and refused, and the
//! partitions. Admissions are not counted: that would cost every call an atomic addition.
//!
//! # Traps
//!
//! - **Around or inside the retry.** Around it, a call keeps its permit while it sleeps between
//!   attempts. Inside, each attempt asks again; a refusal is not retried by default.
//! - **A timeout inside that gives up early** ends the permit, while the dependency still works on
//!   the request. The limit then counts fewer calls than the dependency has.
//! - **One limit for each of many clients** does not limit their sum.
//! - **A heavy waiter** at the head holds up lighter ones behind it, as it would never get its
//!   places otherwise. A waiter that waits for the [share](BulkheadBuilder::priority_share) of its
//!   priority holds up none that may use more.
//! - **A handle kept inside the call** that asks for a second permit of the same bulkhead can wait
//!   for itself.
//! - **Waiting needs tokio's timer**, unless the longest wait is [`Duration::MAX`] and the call has
//!   no deadline. Trying needs nothing.
//!
//! [`Duration::MAX`]: std::time::Duration::MAX
//!
//! # When not to use it
//!
//! If the right number is not known, or changes, an [adaptive limit](crate::adaptive) finds it. If
//! calls per second are scarce and not calls at once, use a [rate limit](crate::rate). If a pool of
//! connections is behind it, the pool is a bulkhead already.

pub use config::BulkheadBuilder;
pub use future::Acquire;
pub use permit::{OwnedPermit, Permit};
pub use policy::{Bulkhead, BulkheadSnapshot, PartitionSnapshot};

mod config;
pub mod defaults;
mod future;
mod inspect;
mod permit;
mod policy;
mod shared;
