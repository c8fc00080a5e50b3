//! Guards around a future: a call that takes too long is cut off, a panic becomes an error, a failure
//! gets an answer.
//!
//! | guard | does | alone |
//! |---|---|---|
//! | [`Timeout`] | cuts a call off when it takes too long | `timeout.call(future)` |
//! | [`Deadline`] | a point in time, handed inwards and over the wire | `deadline.call(future)` |
//! | [`PanicGuard`] | turns a panic into an error | `guard.call(future)` |
//! | [`Fallback`] | answers in the operation's place when it fails | `fallback.call(future)` |
//! | [`timeout::Blocking`] | limits how long a caller waits for blocking work | `blocking.call(closure)` |
//! | [`timeout::Detach`] | returns the error in time and lets the work go on | `detach.call(future)` |
//! | [`Tasks`], [`Supervisor`] | count tasks; keep long-running ones running | `tasks.spawn(future)` |
//!
//! The first four are policies: they can be put around each other and into a pipeline in any order.
//! In the recommended order a fallback is outermost, then the timeout of the whole call, then the
//! policies that repeat and refuse, then the timeout of an attempt. The panic guard is innermost, so
//! that a panic is one more failure that the others can count and repeat.
//!
//! ```
//! use std::time::Duration;
//! use seawall_core::{AllTransient, Chain, FromFn, Lazy, Policy};
//! use seawall_guard::{Fallback, PanicGuard, Timeout};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let guarded = Chain::new(
//!     Fallback::value(0).name("stock").build()?,
//!     Chain::new(Timeout::new(Duration::from_secs(1)), PanicGuard::builder().build()?),
//! );
//! let operation = FromFn::new(
//!     || async {
//!         tokio::time::sleep(Duration::from_secs(60)).await;
//!         Ok::<_, std::io::Error>(42)
//!     },
//!     &AllTransient,
//! );
//! assert_eq!(Lazy::new(guarded.wrap(operation)).await?, 0);
//! # Ok(())
//! # }
//! ```
//!
//! # What a guard costs
//!
//! A call that is ready costs no allocation, no lock, and at most one reading of the clock. A timeout
//! makes its timer after the first poll that was pending. Only an async fallback that is used, a
//! detached call and blocking work are boxed.
//!
//! # When a call ends
//!
//! Nothing happens before the first poll. Whatever ends a call, its future is dropped before the
//! caller resumes: permits, slots and connections that it held are free by then.

pub mod deadline;
pub mod fallback;
pub mod panic_guard;
pub mod task;
pub mod timeout;

mod monitored;
mod permits;

pub use deadline::Deadline;
pub use fallback::{Fallback, FallbackBuilder};
pub use panic_guard::{PanicGuard, PanicGuardBuilder};
pub use task::{Supervisor, Tasks};
pub use timeout::{Timeout, TimeoutBuilder};
