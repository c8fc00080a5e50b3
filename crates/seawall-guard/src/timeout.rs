//! Cuts a call off when it takes too long.
//!
//! # What and why
//!
//! A call without a limit waits for as long as the other side likes, and holds memory, a connection and
//! a slot all that time. A timeout bounds it. It drops the call's future, so everything that the call
//! held is free before the caller gets its error.
//!
//! The call is polled first: an outcome that is there when the time runs out wins. The timer is made
//! after the first poll that was pending, but the time counts from the start. A call that uses up the
//! task's cooperative budget on every poll does not keep its own timer from running out. If no budget
//! is left when the time is up, the call is polled once more, because it may not have been allowed to
//! take an outcome that is there.
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
#![doc = include_str!("timeout/states.svg")]
//!
//! # Defaults and boundaries
//!
//! | setting | default | why |
//! |---|---|---|
//! | `scope` | `Scope::Total` | what a caller means by a timeout |
//! | `limit`, `Scope::Total` | 30 s | [`DEFAULT_LIMIT`] |
//! | `limit`, `Scope::Attempt` | 10 s | [`DEFAULT_ATTEMPT_LIMIT`] |
//! | `limit` of [`Blocking`] and [`Detach`] | 30 s | [`DEFAULT_LIMIT`] |
//! | `max_running` of [`Blocking`] | 64 | [`DEFAULT_MAX_RUNNING`] |
//! | `max_detached` of [`Detach`] | 64 | [`DEFAULT_MAX_DETACHED`] |
//!
//! | limit | means |
//! |---|---|
//! | zero | polled once, without a timer; a value that is ready wins. Polled a second time only if the task's budget was used up before |
//! | below a millisecond | the timer's resolution is a millisecond; it never fires early |
//! | above [`MAX_LIMIT`], about 2.2 years | never; `Duration::MAX` says so |
//! | by function | [`TimeoutBuilder::limit_by`]; if it panics, the default limit counts |
//!
//! Nested timeouts hand their deadline inwards, and the earlier one counts:
//! [`TimedOutBy`](seawall_core::TimedOutBy) says whether a timeout's own limit ran out or a deadline of
//! the layers outside. The operation reads the remaining time from its
//! [`Attempt`](seawall_core::Attempt).
//!
//! # Telemetry
//!
//! [`EventKind::TimedOut`](seawall_core::EventKind::TimedOut) for each call cut off, with the same
//! [`TimedOut`](seawall_core::TimedOut) as in the error: name, scope, limit, elapsed time, attempt.
//! [`EventKind::Panicked`](seawall_core::EventKind::Panicked) for each panic of blocking work, of
//! detached work, and of a function that decides on limits.
//!
//! # Traps
//!
//! - **Blocking work can't be cancelled**, nor can an async block that loops without awaiting: no timer
//!   fires while it runs. Put blocking work into [`Blocking`], whose caller is back in time, and yield
//!   in loops.
//! - Cut off is not undone. A request that was sent is still on its way. Work that must be finished
//!   belongs into [`Detach`]; work that is repeated must be idempotent.
//! - A timeout around a retry bounds all attempts together, one inside it bounds each. Use both.
//! - A call that is not polled can't be cut off: the timer runs, and the call ends at its next poll.
//! - A call may be dropped at any await. Work that is not safe to drop half-way belongs into
//!   [`Detach`], too.
//! - A panic of blocking work counts when it arrives. With `RUST_BACKTRACE=1` the panic hook prints a
//!   backtrace first, which takes tens of milliseconds; a caller whose limit is shorter gets a timeout,
//!   and only the listeners receive the panic.
//!
//! # When not to use it
//!
//! Where there is a [`Deadline`](crate::Deadline) already, which bounds the call by itself. For the
//! silence between two messages of a stream, which needs an idle timeout.

mod alone;
mod blocking;
mod config;
mod defaults;
mod detach;
mod expiry;
mod future;
mod limit;
mod plan;
mod policy;

pub use alone::TimeoutAlone;
pub use blocking::{Blocking, BlockingBuilder, BlockingCall, BlockingFuture, BlockingWork};
pub use config::TimeoutBuilder;
pub use defaults::{
    DEFAULT_ATTEMPT_LIMIT, DEFAULT_LIMIT, DEFAULT_MAX_DETACHED, DEFAULT_MAX_RUNNING,
};
pub use detach::{Detach, DetachBuilder, DetachCall, DetachCounts};
pub use future::TimeoutFuture;
pub use plan::MAX_LIMIT;
pub use policy::{Timeout, TimeoutCall};
