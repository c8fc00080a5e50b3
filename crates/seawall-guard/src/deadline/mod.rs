//! A point in time by which a call has to be over, handed inwards and over the wire.
//!
//! # What and why
//!
//! A limit for each call bounds each call; it does not bound the request that makes five of them. A
//! deadline does: it is set once, where the request comes in, and everything that is done for the
//! request is due by then. Nobody works on for a caller that is gone.
//!
//! A [`Deadline`] is a `Copy` value. What is derived from it is never later: a child does not outlive
//! its parent.
//!
//! | to | use |
//! |---|---|
//! | bound one call, with everything in it | [`Deadline::call`], or the deadline as the outermost policy |
//! | hand it to a call of a pipeline | [`pipeline.call(..).with_attempt(deadline.attempt())`](seawall_core::Lazy::with_attempt): the timeouts inside cut off then, a retry begins nothing that is too late |
//! | read what is left in the operation | [`Deadline::of`] its attempt, or [`Attempt::time_left`](seawall_core::Attempt::time_left) |
//! | reach code that is handed nothing | [`Deadline::scope`] and [`Deadline::current`] |
//! | keep time back to make use of the answer | [`Deadline::less`] |
//! | tell the next process | [`Deadline::to_wire`] and [`Deadline::from_wire`] |
//!
//! # Over the wire
//!
//! What is sent is the time left, never a point in time: two clocks are never alike. The format is that
//! of gRPC's `grpc-timeout`, one to eight digits and a unit. It is written rounded down. What is read
//! comes from anybody, so anything but the format is [refused](WireError), nothing that is accepted
//! overflows, and [`from_wire`](Deadline::from_wire) asks how long this side would work at most.
//!
//! The time on the wire is not counted: a call has as much longer as its request took to arrive.
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
//! let next = request.less(Duration::from_millis(50));
//! assert_eq!(next.to_wire().as_deref(), Some("450000u"));
//! # Ok(())
//! # }
//! ```
//!
//! # Defaults
//!
//! There is none: without a deadline it is [`Deadline::NEVER`]. More than
//! [`LONGEST`](crate::timeout::LONGEST), about 2.2 years, is never.
//!
//! # Telemetry
//!
//! That of a [timeout](crate::timeout), under the name `deadline`. It has no listeners of its own; the
//! timeouts inside it have, and are told that the deadline passed.
//!
//! # Traps
//!
//! - A deadline is told inwards through [`Attempt`](seawall_core::Attempt). A pipeline that is called
//!   inside an operation is a new call: [tell](seawall_core::Lazy::with_attempt) it the deadline.
//! - A scope does not follow into spawned tasks. Read [`Deadline::current`] before you spawn.
//! - A scope tells; it does not cut off.
//!
//! # When not to use it
//!
//! For a limit that is the same for each call whoever asks: that is a [`Timeout`](crate::Timeout).

mod future;
mod policy;
mod wire;

pub use future::Scoped;
pub use policy::{Deadline, DeadlineCall};
pub use wire::{HEADER, WireError, decode, encode};
