//! # Bulkhead
//!
//! At most so many calls in flight; the rest waits in a bounded queue or is refused.
//!
//! # Why
//!
//! A dependency that gets slow does not get fewer calls: at the same rate, ten times the time means
//! ten times the calls in flight (Little's law: in flight = rate × time). They hold connections,
//! memory and tasks of the caller, and places in the queue of the dependency, which gets slower
//! still. A limit on what is in flight stops that on both sides: what the dependency can't do is
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
//! # A call's way through it
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> InFlight: room, nobody waits
//!     [*] --> Waiting: full, place in the queue
//!     [*] --> Refused: full and no place, closed, or the deadline has passed
//!     Waiting --> InFlight: a permit came back, its turn
//!     Waiting --> Refused: longest wait or deadline over, closed, made to give way, queue standing
//!     Waiting --> [*]: dropped
//!     InFlight --> [*]: over, dropped or panicked (the permit comes back)
//! ```
//!
//! Permits are values. Dropped at any point they come back, and a permit that was granted to a
//! waiter that is gone goes to the next. While anybody waits, nobody gets past them: a
//! [`try_acquire`](Bulkhead::try_acquire) is refused then, even in the instant in which a permit is
//! on its way from one call to the next. Only a call that goes before all who wait, being more
//! important in a queue [by priority](BulkheadBuilder::by_priority), does not wait with them; and
//! not even that one, if it is of a [partition](BulkheadBuilder::partition) that has its share while
//! one that has not waits.
//!
//! # Who asks for what
//!
//! A handle carries what its calls ask for; clones of it share the limit. So a pipeline for batch
//! jobs and one for people can share one bulkhead:
//!
//! ```
//! # use std::time::Duration;
//! use seawall_limit::{Bulkhead, Priority};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bulkhead = Bulkhead::builder()
//!     .limit(10)
//!     .use_at_most(Priority::Low, 0.5)
//!     .build()?;
//! let batch = bulkhead.with_priority(Priority::Low);
//! let bulky = bulkhead.weighing(4)?;
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
//! | [`queue`](BulkheadBuilder::queue) | none | a queue adds its length to every call's time; short bursts need a short one |
//! | [`lifo`](BulkheadBuilder::lifo), [`by_priority`](BulkheadBuilder::by_priority) | first come first served | what people expect; the others are for overloads |
//! | [`fair`](BulkheadBuilder::fair) | off | only who has tenants knows them |
//! | [`standing_queue`](BulkheadBuilder::standing_queue) | off | the longest wait bounds the queue's delay already |
//! | [`partition`](BulkheadBuilder::partition) | none | |
//! | [`use_at_most`](BulkheadBuilder::use_at_most) | all of it | |
//!
//! # Telemetry
//!
//! Events: `Rejected` for each refusal with its reason and how many calls are in flight and wait;
//! `LimitChanged`. [`Bulkhead::snapshot`] gives what is in flight, queued and refused, and the
//! partitions. Admissions are not counted: that would cost every call an atomic addition.
//!
//! # Traps
//!
//! - **Around or inside the retry.** Around it, a call keeps its permit while it sleeps between
//!   attempts. Inside, each attempt asks anew; a refusal is not retried by default.
//! - **A timeout inside that gives up early** ends the permit, while the dependency still works on
//!   what was sent. The limit then counts fewer calls than the dependency has.
//! - **One limit for each of many clients** does not limit their sum.
//! - **A heavy waiter** at the head holds up lighter ones behind it, as it would never get its
//!   places otherwise. One that waits for the part that its priority may
//!   [use](BulkheadBuilder::use_at_most) holds up nobody who may use more.
//! - **A handle kept inside the call** that asks for a second permit of the same bulkhead can wait
//!   for itself.
//! - **Waiting needs tokio's timer**, unless the longest wait is [`Duration::MAX`] and the call has
//!   no deadline. Trying needs nothing.
//!
//! [`Duration::MAX`]: std::time::Duration::MAX
//!
//! # When not to use it
//!
//! If you don't know the right number, or it changes, an [adaptive limit](crate::adaptive) finds it. If what is scarce
//! is calls per second and not calls at once, use a [rate limit](crate::rate). If a pool of
//! connections is behind it, the pool is a bulkhead already.

pub use config::{BulkheadBuilder, DEFAULT_LIMIT};
pub use permit::{Acquire, OwnedPermit, Permit};
pub use policy::{Bulkhead, BulkheadSnapshot, PartitionSnapshot};

mod config;
mod permit;
mod policy;
