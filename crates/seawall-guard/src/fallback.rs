//! Answers in the operation's place when it fails.
//!
//! # What and why
//!
//! Some failures need not reach the caller: a cached price is better than none. A fallback gives a
//! value, the result of a function of the error, or that of an async function, and the caller gets `Ok`.
//! Listeners receive [`Degraded`](seawall_core::EventKind::Degraded), so that a dashboard shows which
//! successes are fallbacks.
//!
//! A caller that wants to tell an answer of the fallback from a real one asks for an
//! [`Answer`](Fallback::answer), which has the error in whose place it stands.
//!
//! The [last success](Fallback::last_good) is an answer for as long as it is not too old: the list of
//! prices, the configuration, the keys of an identity provider, while their service is away.
//!
//! Fallbacks can be chained: where one declines, fails or panics, the next is asked. Where none answers,
//! the **first** error stands: the caller has to know the outcome of the operation.
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
#![doc = include_str!("fallback/states.svg")]
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | `when` | transient, overloaded, panicked, ignored (refusals by our own policies) | [`default_classes`]: a permanent failure is an answer, and a cancelled call has no caller |
//! | `max_concurrent` | unlimited | most fallbacks are a value |
//! | `last_good` | none; its age has no default | only you know for how long an old answer is better than none |
//!
//! # Telemetry
//!
//! | event | when |
//! |---|---|
//! | `Degraded` | it answered; with the class of the failure |
//! | `FallbackFailed` | it declined or failed; with the class of the error that stands |
//! | `Panicked` | a link, the function that decides on classes, or the drop of the first error panicked |
//! | `Rejected` | no permit was left |
//!
//! The counts are [`Fallback::degraded`], [`failed`](Fallback::failed) and [`refused`](Fallback::refused).
//!
//! # Traps
//!
//! - An async fallback takes its own time. Put the timeout of the whole call around it if the caller's
//!   time is limited, and a timeout inside it if it calls another service.
//! - A fallback that calls a second service sends it the whole traffic when the first is down. Bound it
//!   with [`max_concurrent`](FallbackBuilder::max_concurrent).
//! - A fallback inside a breaker or retry hides failures from them. It belongs outermost.
//! - The last success is one for all calls through a fallback. Calls that ask for different things
//!   need a fallback each, or a cache with a key that an async fallback asks.
//! - The last success is gone when the process restarts. Chain a value behind it.
//! - A fallback that is never used until everything is down was never tested.
//!
//! # When not to use it
//!
//! When a wrong answer is worse than none; for a second try at the same service, which is a retry; to
//! translate errors, which is `map_err`.

mod answer;
mod chain;
mod config;
mod defaults;
mod future;
mod memory;
mod policy;

pub use answer::{Answer, Shape};
pub use config::FallbackBuilder;
pub use defaults::default_classes;
pub use future::FallbackFuture;
pub use policy::{Fallback, FallbackCall};
