//! Answers in the operation's place when it fails.
//!
//! # What and why
//!
//! Some failures need not reach the caller: a cached price is better than none. A fallback gives the
//! value, by value, by a function of the error or by an async function, and the caller gets `Ok`. To
//! everybody else it is no success: listeners are told
//! [`Degraded`](seawall_core::EventKind::Degraded), so that a dashboard that is all green is not all fallbacks.
//!
//! Fallbacks can be chained: where one declines, fails or panics, the next is asked. Where none answers,
//! the **first** error stands: what the operation came to is what the caller has to know.
//!
//! # Quick start
//!
//! ```
//! use seawall_core::Class;
//! use seawall_guard::Fallback;
//! # async fn from_cache() -> Result<u32, &'static str> { Err("empty") }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let price = Fallback::with_async(|_| from_cache())
//!     .or_try_with(|error| (error.class() == Class::Panicked).then_some(1))
//!     .or_value(100)
//!     .name("price")
//!     .when(|class| class != Class::Permanent)
//!     .max_concurrent(8)
//!     .build()?;
//! let answer = price.call(async { Err(std::io::Error::other("down")) }).await?;
//! assert_eq!((answer, price.degraded()), (100, 1));
//! # Ok(())
//! # }
//! ```
//!
//! # States
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Running
//!     Running --> Over: a success, or a class that is not fallen back from
//!     Running --> Over: no place left
//!     Running --> Answering: failed, the call is dropped
//!     Answering --> Degraded: an answer
//!     Answering --> Over: none either, the first error stands
//! ```
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | `when` | transient, overloaded, panicked, ignored (rejections by our own policies) | [`default_classes`]: a permanent answer is an answer, and who gave up waits for none |
//! | `max_concurrent` | unlimited | most fallbacks are a value |
//!
//! # Telemetry
//!
//! | event | when |
//! |---|---|
//! | `Degraded` | it answered, with the class that it answered for |
//! | `FallbackFailed` | it declined or failed; the class of the error that stands |
//! | `Panicked` | it, or the function that decides on classes, panicked, or what was dropped for an answer |
//! | `Rejected` | as many were under way as may be |
//!
//! The counts are [`Fallback::degraded`], [`failed`](Fallback::failed) and [`refused`](Fallback::refused).
//!
//! # Traps
//!
//! - An async fallback takes its own time. Put the timeout of the whole call around it if the caller
//!   waits only so long, and a timeout into it if it calls somebody.
//! - A fallback that calls a second service gets the whole traffic when the first is down. Bound it
//!   with [`max_concurrent`](FallbackBuilder::max_concurrent).
//! - A fallback inside of a breaker or retry hides failures from them. It belongs outermost.
//! - A fallback that is never used until everything is down is a fallback that was never tested.
//!
//! # When not to use it
//!
//! When a wrong answer is worse than none; for a second try at the same service, which is a retry; to
//! translate errors, which is `map_err`.

mod config;
mod event;
mod future;
mod policy;
mod substitute;

pub use config::FallbackBuilder;
pub use config::default_classes;
pub use future::FallbackFuture;
pub use policy::{Fallback, FallbackCall};
pub use substitute::{Begun, Or, OrAnswer, Substitute, TryWith, Value, With, WithAsync};
