//! Faults on purpose, as a policy: the innermost one of a pipeline.
//!
//! A pipeline that was never tried is a guess. Chaos makes a share of the attempts late, lets them fail,
//! panic or never end, in a test, in a test environment, or for a small share of real traffic.
//!
//! ```
//! use std::io;
//! use std::time::Duration;
//! use seawall::Pipeline;
//! use seawall_chaos::Chaos;
//!
//! # fn main() -> Result<(), seawall::ConfigError> {
//! let chaos = Chaos::builder()
//!     .seed(7)
//!     .latency(0.10, Duration::from_millis(100)..Duration::from_secs(2))
//!     .error(0.02, |_| io::Error::other("injected"))
//!     .never(0.001)
//!     .at_most_in_flight(5)
//!     .budget(1_000)
//!     .until(Duration::from_mins(15))
//!     .abort_if(|counts| counts.candidates > 100 && counts.failed_share() > 0.2)
//!     .build()?;
//! let pipeline = Pipeline::builder("inventory")
//!     .timeout(Duration::from_secs(2))
//!     .layer(chaos.clone())
//!     .build()?;
//!
//! chaos.enable(); // by an operator
//! # let _ = pipeline.call(async || Ok::<_, io::Error>(42));
//! # Ok(())
//! # }
//! ```
//!
//! # What is injected
//!
//! | fault | the attempt |
//! |---|---|
//! | [`latency`](ChaosBuilder::latency) | starts later |
//! | [`error`](ChaosBuilder::error) | fails with an error of yours, and is not started |
//! | [`outcome`](ChaosBuilder::outcome) | has a result of yours, and is not started |
//! | [`panic`](ChaosBuilder::panic) | panics |
//! | [`never`](ChaosBuilder::never) | is never over |
//!
//! The shares are of all candidates: latency 10 % and error 2 % are 10 and 2 of a hundred attempts, and
//! together at most all of them. Which attempts those are follows from the seed and from the number of
//! the attempt at this policy, whatever else runs.
//!
//! # What bounds it
//!
//! | setting | default |
//! |---|---|
//! | [`enabled`](ChaosBuilder::enabled) | off, until somebody [enables](Chaos::enable) it |
//! | [`when`](ChaosBuilder::when), [`attempts`](ChaosBuilder::attempts), [`every_nth`](ChaosBuilder::every_nth) | every attempt is a candidate |
//! | [`per_call`](ChaosBuilder::per_call) | one draw for each attempt |
//! | [`at_most_in_flight`](ChaosBuilder::at_most_in_flight) | any number |
//! | [`budget`](ChaosBuilder::budget), [`until`](ChaosBuilder::until), [`abort_if`](ChaosBuilder::abort_if) | no end |
//! | [`control`](ChaosBuilder::control) | no control group |
//! | [`end_marker`](ChaosBuilder::end_marker) | none: a process that is restarted begins as it was built |
//!
//! The last three of them end it for good: it stays off until somebody enables it again, and the event
//! says which of them it was.
//!
//! # Where it belongs
//!
//! Innermost, so that policies meet the faults as they would meet real ones: `build()` of a pipeline
//! refuses any other place. Where panics are injected it refuses a pipeline without a panic guard, unless
//! [`unguarded`](ChaosBuilder::unguarded) says that this is meant.
//!
//! # Telemetry
//!
//! [`Injected`](seawall_core::EventKind::Injected) for each fault, and
//! [`InjectionEnded`](seawall_core::EventKind::InjectionEnded). [`ChaosCounts`] has totals, those of the
//! control group among them.
//!
//! # Traps
//!
//! - An injected error is real to everything outside: breakers open, captures capture, alarms ring. Let
//!   its text begin with "injected".
//! - Off, it costs a load an attempt.
//! - What a delayed attempt waits for is not in the time that the inner operation measures.
//!
//! # When not to use it
//!
//! For an outage of a whole dependency there is `seawall-rehearse`, which needs no traffic at all.

// The README's code compiles and runs as it is written.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
#[cfg(doctest)]
#[doc = include_str!("../../../docs/chaos.md")]
struct Page;

mod config;
mod counts;
mod future;
mod held;
mod machine;
mod outcomes;
mod policy;
mod shared;

pub use config::ChaosBuilder;
pub use counts::ChaosCounts;
pub use future::ChaosFuture;
pub use held::{Later, LaterAttempt, LaterCall};
pub use machine::Fault;
pub use outcomes::{By, MakeError, MakeOutcome, Nothing};
pub use policy::{Chaos, ChaosCall};
