//! A circuit breaker that cannot wedge.
//!
//! # What and why
//!
//! A dependency that is down answers no call. Each call to it still costs its caller time and a
//! place in some queue, and adds the load that keeps the dependency down. A circuit breaker notices
//! this, refuses calls at once for a while, lets a few *probes* through, and closes again when they
//! succeed.
//!
//! Breakers are known for one fault above all: a circuit that never closes again, because a probe
//! was cancelled, panicked or never came back, and took its place with it. Here a probe is a value
//! that gives its place back however it ends, and holds it on a *lease* in case it does not end. An
//! outcome counts only in the *generation* (the stretch between two transitions) that admitted its
//! call, so no slow call of yesterday decides about today.
//!
//! # Quick start
//!
//! ```
//! use seawall_breaker::Breaker;
//! use seawall_core::Error;
//!
//! # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let breaker = Breaker::builder().name("warehouse").build()?;
//! match breaker.call(fetch()).await {
//!     Ok(answer) => assert_eq!(answer, 42),
//!     Err(Error::Rejected(rejection)) => println!("not now: {rejection}"),
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok(())
//! # }
//! ```
//!
//! There are three ways to use it: as a policy in a pipeline (a breaker and its builder are
//! [`Layer`](seawall_core::Layer)s), [`Breaker::call`] around a future, and permits
//! ([`Breaker::try_acquire`], [`Breaker::call_blocking`]) for code that is no future. All clones of a
//! breaker share one circuit, whichever way they are used. [`KeyedBreaker`] keeps one per host or
//! tenant.
//!
//! The pipeline's classifier decides what a failure is: a [`Class`](seawall_core::Class) that is
//! [`Unhealthy`](seawall_core::Health::Unhealthy) is a failure, `Healthy` a success, and `Unknown`
//! (rejected by another policy, cancelled) is neither. An `Ok` that the classifier calls a failure counts
//! as one.
//!
//! # States
//!
#![doc = include_str!("states.svg")]
//!
//! The operator's actions lead from any state to any of theirs: [`force_open`](Breaker::force_open),
//! [`force_closed`](Breaker::force_closed) and [`shadow`](Breaker::shadow) hold until
//! [`release`](Breaker::release); [`reset`](Breaker::reset) starts again with a closed circuit.
//!
//! - **Closed**: calls go through. The circuit opens on the first rule that is broken: failures in a
//!   row; the share of failures, or of slow calls, in a window of outcomes or of time; a predicate of
//!   yours. All thresholds mean "at or above".
//! - **Open**: calls are refused at once, with the evidence and `retry_after`. The wait counts from
//!   the transition, and grows with each reopening.
//! - **Half-open**: at most [`probes`](BreakerBuilder::probes) calls go through, and they alone
//!   decide. The circuit closes when enough of them succeeded, and opens when enough can no longer
//!   succeed. A probe without an outcome (ignored, cancelled, dropped) gives its place to the next.
//!   Other calls are refused, with a `retry_after` of at most the open wait: by then there is a
//!   verdict, or a lease has ended.
//! - **Ramping**, if configured: traffic comes back in [stages](Ramp). The `retry_after` of a refusal
//!   is the end of the stage.
//! - **Forced open**, **forced closed**, **shadow**: the operator's. Forced closed measures but does
//!   not decide; shadow decides and reports, but refuses nothing.
//!
//! Transitions are lazy: they happen when a call asks. There is no background task and no timer, and
//! a dropped breaker leaves nothing behind.
//!
//! # Defaults
//!
//! | setting | default | why |
//! |---|---|---|
//! | [`consecutive_failures`](BreakerBuilder::consecutive_failures) | 20 | opens within 70 ms of a hard failure at 300 calls/s; with 30 % errors once in 10¹⁰ calls |
//! | [`failure_rate`](BreakerBuilder::failure_rate) | 0.5 | below it retries cope, above it they multiply the load |
//! | [`count_window`](BreakerBuilder::count_window) | 200 | tells 30 % errors from 50 %; renewed in under a second; needs no clock |
//! | [`min_calls`](BreakerBuilder::min_calls) | 100 | with fewer, chance decides |
//! | [`slow_call_rate`](BreakerBuilder::slow_call_rate) | off | only you know what is slow |
//! | [`open_wait`](BreakerBuilder::open_wait) | 100 ms, doubling up to 500 ms, second half random | callers are refused for at most half a second after the dependency is back |
//! | [`forget_after`](BreakerBuilder::forget_after) | 10 s | a later opening is another incident and waits as the first did |
//! | [`max_retry_after`](BreakerBuilder::max_retry_after) | 5 s | a server's `Retry-After` counts, within reason |
//! | [`probes`](BreakerBuilder::probes), [`probe_successes`](BreakerBuilder::probe_successes) | 2, all | one may be lucky, more take longer |
//! | [`lease`](BreakerBuilder::lease) | the open wait, at least 1 ms; doubled after each lease that expires, up to 2 s | probes that hang do not keep callers out; a late success still counts, so a slow dependency gets its verdict |
//! | [`ramp`](BreakerBuilder::ramp) | none | a dependency that answers its probes can mostly take the load |
//! | [`wait_for_verdict`](BreakerBuilder::wait_for_verdict) | nobody waits | a retry around the breaker waits better |
//! | [`abandoned_as`](BreakerBuilder::abandoned_as) | ignored | callers go away for reasons of their own |
//! | [`tally`](BreakerBuilder::tally) | off | costs two atomic operations and two clock readings a call |
//!
//! The constants and the longer reasons are in [`defaults`]; [`presets`] are for other kinds of
//! traffic.
//!
//! # Cost
//!
//! The state is one word. Under a closed circuit whose window is full and holds no failure, a call
//! reads it twice and writes nothing. Otherwise a success adds to a counter; after two threads have
//! met there, to a counter of its group of threads. A failure takes the lock. An open circuit
//! refuses without a lock and without an allocation, with one clock reading. A time window costs one
//! clock reading a call, a slow-call rule two; so do the ten seconds after a call that its caller's
//! deadline cut off.
//!
//! A breaker with a window of 100 takes 552 bytes, with its handle. Rare settings take room only
//! where they are configured: an open wait of its own 120 bytes, a slow-call rule 80, a ramp 48 and
//! more. Rare events do the same: the first opening takes 136 bytes; the first time two threads meet
//! at the counter, or a call is counted that is neither success nor failure, takes a cache line for
//! each core, at most 8.
//!
//! # Telemetry
//!
//! [`Breaker::listeners`] receive every [transition](seawall_core::EventKind::Transition), exactly
//! once, in order and with its evidence; and [refusals](seawall_core::EventKind::Rejected), slow calls,
//! stale outcomes and expired leases. They run outside the lock and may call the breaker.
//! [`Breaker::snapshot`] shows everything at one moment.
//!
//! # Traps
//!
//! - **One breaker for many hosts** opens for all when one is down. Use a [`KeyedBreaker`].
//! - **A breaker around a retry** sees one outcome for many attempts, and opens late. Put the retry
//!   around the breaker.
//! - **No timeout inside the breaker**: a dependency that hangs never fails. Put a timeout inside.
//! - **404s as failures**: class them `Permanent`. [`Breaker::call`] alone takes every error for a
//!   failure.
//! - **A task that a probe spawns** and that calls through the same breaker needs a slot of its own,
//!   which may be the one that its probe waits for. A call that the probe makes itself is recognised: it
//!   needs no slot, and the probe decides for both.
//! - **Callers that give up before anything fails** leave no outcome: a dependency that hangs behind
//!   them opens no circuit. Put a timeout inside, or set
//!   [`abandoned_as(Abandoned::Failure)`](BreakerBuilder::abandoned_as).
//! - **Callers with too little time** are no failures, as long as somebody is answered: a call that
//!   its caller's deadline cut off sooner than answers usually come is ignored. Twenty such calls in a
//!   row open nothing; a second of them without an answer does.
//! - **A lease of your own** that is shorter than a healthy call makes every probe stale.
//! - **A permit kept for later** counts when it is settled, not when the call ended.
//!
//! # When not to use it
//!
//! Around anything that can't be down while you are up (your own memory, a local file). Around a
//! dependency without which no request can be answered and that sheds load itself. Where traffic is
//! so thin that each call is a probe anyway. To bound what a slow dependency costs you, a bulkhead
//! or a timeout says it more directly.
//!
//! # Where the ideas come from
//!
//! Nygard, "Release It!" (2007) for the pattern; resilience4j for the two windows, slow calls and
//! the disabled and metrics-only states; leases and generations from distributed locks (Gray and
//! Cheriton, 1989).
#![expect(
    clippy::cast_possible_truncation,
    reason = "the counts are bounded by `build()`, the words hold two numbers on purpose"
)]

mod config;
pub mod defaults;
mod event;
mod export;
mod inspect;
mod keyed;
mod machine;
#[cfg(seawall_loom)]
#[doc(hidden)]
pub mod model;
mod permit;
mod policy;
pub mod presets;
mod ramp;
mod shared;
mod snapshot;
#[cfg(test)]
mod tests;
mod time;
mod waiting;

pub use config::BreakerBuilder;
pub use export::Export;
pub use keyed::KeyedBreaker;
pub use machine::{Abandoned, WindowCounts};
pub use permit::{OwnedPermit, Permit, Settlement};
pub use policy::Breaker;
pub use ramp::Ramp;
pub use snapshot::{Snapshot, Totals};
