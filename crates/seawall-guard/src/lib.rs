//! Guards around a future: what takes too long is cut off, what panics becomes an error, what fails
//! is answered for.
//!
//! | guard | does | alone |
//! |---|---|---|
//! | [`Timeout`] | cuts a call off when it takes too long | `timeout.call(future)` |
//! | [`Deadline`] | a point in time that goes inwards, and over the wire | `deadline.call(future)` |
//! | [`PanicGuard`] | turns a panic into an error | `guard.call(future)` |
//! | [`Fallback`] | answers in the operation's place when it fails | `fallback.call(future)` |
//! | [`timeout::Blocking`] | waits for blocking work, but only so long | `blocking.call(closure)` |
//! | [`timeout::Detach`] | gives the caller its error in time and lets the work go on | `detach.call(future)` |
//! | [`Tasks`], [`Supervisor`] | count tasks; keep long-running ones running | `tasks.spawn(future)` |
//!
//! The first four are policies: they can be put around each other and into a pipeline in any order.
//! In the recommended order a fallback is outermost, then the timeout of the whole call, then what
//! repeats and refuses, then the timeout of an attempt, and the panic guard is innermost, so that a
//! panic is one more failure that the rest can count and repeat.
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
//! Nothing on the heap, no lock, and at most one reading of the clock around a call that is ready. A
//! timeout makes its timer when the call was pending for the first time. Only an async fallback that is
//! used, a detached call and blocking work take a box.
//!
//! # When something ends
//!
//! Whatever ends a call, its future is dropped before the caller gets to know: permits, slots and
//! connections that it held are back by then.

pub mod deadline;
pub mod fallback;
pub mod panic_guard;
pub mod task;
pub mod timeout;

mod places;
mod watched;

pub use deadline::Deadline;
pub use fallback::{Fallback, FallbackBuilder};
pub use panic_guard::{PanicGuard, PanicGuardBuilder};
pub use task::{Supervisor, Tasks};
pub use timeout::{Timeout, TimeoutBuilder};
