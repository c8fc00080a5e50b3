//! Cuts a call off when it takes too long.
//!
//! # What and why
//!
//! A call without a limit waits for as long as the other side likes; what waits holds memory, a
//! connection and a place. A timeout bounds it. It drops the call's future, so what the call held is
//! back before the caller gets its error.
//!
//! The call is polled first: an outcome that is there when the time runs out wins. The timer is made
//! when the call was pending for the first time, but the time counts from its start. A call that burns
//! the task's cooperative budget on every poll does not keep its own timer from being looked at; where
//! none is left when the time is up, the call is polled once more, as it may not have been allowed to
//! take what is there.
//!
//! # Quick start
//!
//! ```
//! use std::time::Duration;
//! use seawall_core::{Scope, TimedOutBy};
//! use seawall_guard::Timeout;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), seawall_core::ConfigError> {
//! let timeout = Timeout::builder()
//!     .name("inventory")
//!     .scope(Scope::Attempt)
//!     .limit(Duration::from_millis(250))
//!     .build()?;
//! let error = timeout.call(std::future::pending::<Result<(), std::io::Error>>()).await.unwrap_err();
//! let timed_out = error.timed_out().expect("it never answers");
//! assert_eq!(timed_out.limit(), Duration::from_millis(250));
//! assert_eq!(timed_out.by(), TimedOutBy::Limit);
//! # Ok(())
//! # }
//! ```
//!
//! # States
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Running: first polled
//!     Running --> Running: pending, the first time sets the timer
//!     Running --> Over: ready
//!     Running --> TimedOut: pending, and the time is up
//!     [*] --> Refused: deciding how long it may take panicked
//! ```
//!
//! # Defaults and boundaries
//!
//! | setting | default | why |
//! |---|---|---|
//! | `scope` | `Scope::Total` | what a caller means by a timeout |
//! | `limit`, `Scope::Total` | 30 s | [`DEFAULT_LIMIT`] |
//! | `limit`, `Scope::Attempt` | 10 s | [`DEFAULT_ATTEMPT_LIMIT`] |
//!
//! | limit | means |
//! |---|---|
//! | zero | polled once; a value that is ready wins, else it is over, without a timer. Polled a second time only if the task's budget was used up before |
//! | below a millisecond | the timer's resolution is a millisecond; it is never early |
//! | above [`LONGEST`], about 2.2 years, `Duration::MAX` too | never |
//! | by function | [`TimeoutBuilder::limit_by`]; its panic fails the call, which is not started |
//!
//! Nested timeouts hand their deadline inwards, and the nearer one counts: [`TimedOutBy`](seawall_core::TimedOutBy) says
//! whether a timeout's own limit ran out or a deadline from further out. The operation reads what is
//! left from its [`Attempt`](seawall_core::Attempt).
//!
//! # Telemetry
//!
//! [`EventKind::TimedOut`](seawall_core::EventKind::TimedOut) for each call cut off, with the same
//! [`TimedOut`](seawall_core::TimedOut) as in the error: name, scope, limit, elapsed time, attempt.
//! [`EventKind::Panicked`](seawall_core::EventKind::Panicked) for each panic of blocking work, waited for or not,
//! of work that was detached, and of a function that decides on limits.
//!
//! # Traps
//!
//! - **Blocking work can't be cancelled**, nor can an async block that loops without awaiting: no timer
//!   gets its turn while it runs. Put blocking work into [`Blocking`], which is back in time, and yield
//!   in loops.
//! - Cut off is not undone. A request that was sent is still on its way; what must be finished goes
//!   into [`Detach`], what may be repeated needs to be idempotent.
//! - A timeout outside of a retry bounds all attempts together; inside, each. Use both.
//! - A call that is not polled can't be cut off; the timer runs, and it is over when it is polled next.
//! - Cancelled at an await, code must leave things in order. What is not safe to drop half-way belongs
//!   into [`Detach`], too.
//!
//! # When not to use it
//!
//! When there is a [`Deadline`](crate::Deadline) already: it bounds the call by itself. For the silence
//! between two messages of a stream, which is an idle timeout.

mod blocking;
mod config;
mod detach;
mod event;
mod expiry;
mod future;
mod limit;
mod plan;
mod policy;

pub use blocking::{Blocking, BlockingBuilder, BlockingCall, DEFAULT_MAX_RUNNING};
pub use config::{DEFAULT_ATTEMPT_LIMIT, DEFAULT_LIMIT, TimeoutBuilder};
pub use detach::{DEFAULT_MAX_DETACHED, Detach, DetachBuilder, DetachCall, DetachCounts};
pub use future::TimeoutFuture;
pub use limit::Limit;
pub use plan::LONGEST;
pub use policy::{Timeout, TimeoutCall};
