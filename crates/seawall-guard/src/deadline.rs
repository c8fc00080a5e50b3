//! A point in time by which a call has to be over, handed inwards and over the wire.
//!
//! # What and why
//!
//! A limit on each call does not bound a request that makes five of them. A deadline does: it is set
//! once, where the request comes in, and all work for the request is due by then. No work is done for a
//! caller that has left.
//!
//! A [`Deadline`] is a `Copy` value. Nothing that is derived from it is later: a child does not outlive
//! its parent.
//!
//! | to | use |
//! |---|---|
//! | bound one call, with everything in it | [`Deadline::call`], or the deadline as the outermost policy |
//! | hand it to a call of a pipeline | [`pipeline.call(..).deadline(deadline)`](seawall_core::Lazy::deadline): the timeouts inside cut off then, and a retry starts nothing that is too late |
//! | read the remaining time in the operation | [`Deadline::of`] its attempt, or [`Attempt::time_left`](seawall_core::Attempt::time_left) |
//! | reach code that has no parameter for it | [`Deadline::scope`] and [`Deadline::current`] |
//! | keep time back to make use of the answer | [`Deadline::earlier_by`] |
//! | send it to the next process | [`Deadline::to_wire`] and [`Deadline::from_wire`] |
//!
//! # Over the wire
//!
//! The remaining time is sent, never a point in time: two clocks never agree. The format is that of
//! gRPC's `grpc-timeout`, one to eight digits and a unit, rounded down. The input comes from anybody:
//! anything but the format is [refused](WireError), no accepted value overflows, and
//! [`from_wire`](Deadline::from_wire) takes the longest time that this side works for a caller.
//!
//! The time on the wire is not counted: a call gets as much more time as its request took to arrive.
//!
//! ```
//! use std::time::Duration;
//! use seawall_guard::Deadline;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), seawall_guard::deadline::WireError> {
//! // A request came in with `grpc-timeout: 500m`; this service works for two seconds at most.
//! let request = Deadline::from_wire(b"500m", Duration::from_secs(2))?;
//! // 50 ms are kept back for the answer; the rest goes on to the next service.
//! let next = request.earlier_by(Duration::from_millis(50));
//! assert_eq!(next.to_wire().as_deref(), Some("450000u"));
//! # Ok(())
//! # }
//! ```
//!
//! # Defaults
//!
//! There is none: without a deadline it is [`Deadline::NEVER`]. More than
//! [`MAX_LIMIT`](crate::timeout::MAX_LIMIT), about 2.2 years, is never.
//!
//! # Telemetry
//!
//! A deadline has no listeners. The timeouts inside it report that the deadline passed; errors carry the
//! name `deadline`.
//!
//! # Traps
//!
//! - A deadline goes inwards through the [`Attempt`](seawall_core::Attempt). A pipeline that is called
//!   inside an operation is a new call: [hand](seawall_core::Lazy::deadline) it the deadline.
//! - A scope does not follow into spawned tasks. Read [`Deadline::current`] before you spawn.
//! - A scope cuts nothing off.
//!
//! # When not to use it
//!
//! For a limit that is the same for each call, which is a [`Timeout`](crate::Timeout).

mod future;
mod policy;
mod wire;

pub use future::Scoped;
pub use policy::{Deadline, DeadlineCall};
pub use wire::{HEADER, WireError, decode, encode};
