//! # Congestion control
//!
//! Sends what the dependency can answer before the deadline, repeats what was lost, and lets the rest
//! wait.
//!
//! # Why
//!
//! Timeout, retry, limit and breaker each decide by settings, and the right ones depend on the
//! dependency and on the outage. What a caller knows is its deadline. The rest shows: how long
//! answers take, how many come, and that none comes. TCP sends by no other knowledge, and a network of
//! them does not collapse. This policy does the same for calls.
//!
//! # Quick start
//!
//! ```
//! use std::time::Duration;
//! use seawall_core::{AllTransient, FromFn, Lazy, Policy};
//! use seawall_limit::CongestionControl;
//! use tokio::time::Instant;
//!
//! # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let control = CongestionControl::builder().idempotent().build()?;
//! let call = Lazy::new(control.wrap(FromFn::new(fetch, &AllTransient)));
//! let stock = call.deadline(Instant::now() + Duration::from_secs(2)).await?;
//! assert_eq!(stock, 42);
//! assert_eq!(control.snapshot().in_flight, 0);
//! # Ok(())
//! # }
//! ```
//!
//! Its place in a pipeline is **inside the timeout**, whose deadline it goes by and which cuts the call
//! off in the end. `Pipeline::standard` has it there. One policy belongs to one dependency.
//!
//! # What happens to a call
//!
#![doc = include_str!("congestion/states.svg")]
//!
//! - **Limit.** Answers may take 0.4 of the deadline at the dependency. When they take longer, as many requests stay
//!   in flight as are answered in that time (Little's law: rate × time). The limit never falls below 2.5
//!   times what is in flight in health, so it can't refuse a healthy load.
//! - **Queue.** Calls wait here and not at the dependency, which works for callers that have left. The nearest
//!   deadline that can still be met goes first; a call that has less time left than an answer takes
//!   in health is refused.
//! - **Repetitions.** At most [three](defaults::MAX_ATTEMPTS) requests a call. Each success pays for one
//!   repetition, [ten](defaults::MAX_TOKENS) are in store. A call that can't pay waits for a success; so does one after two failures in a row,
//!   until its last chance to be answered.
//! - **Lost requests.** When one that was sent much later is answered, the earlier one is lost: it counts no more, and another may go
//!   out while it is still awaited. In a slowdown nothing is overtaken, so nothing is repeated, and nothing is ever
//!   cut off before the deadline.
//! - **Silence.** When nothing is answered, probes go out: one in a quarter of the deadline, but at
//!   least every quarter of a second, from the call that has the most time left; and for a third of the calls at most.
//! - **Streams.** An answer may go on to arrive after its call has ended: the body of a response. Its
//!   [place](CongestionControl::stream) is counted apart, and limited only while such answers keep their
//!   readers waiting for longer than answers may take, by the same law.
//! - **Outage.** After [20 failures](defaults::FAILURES) in a row, or [6](defaults::FAILURES_UNHEARD)
//!   that were not even answered, and silence, the circuit is open: only probes go out, and the
//!   others wait or are refused, as [`WhileDown`] says. The first success closes it. An operator can hold
//!   it open, too: [`force_open`](CongestionControl::force_open).
//!
//! # Defaults
//!
//! | setter | default | why |
//! |---|---|---|
//! | [`idempotent`](CongestionControlBuilder::idempotent) | off: only what was certainly not carried out is repeated | nothing is carried out twice unless that does no harm |
//! | [`max_attempts`](CongestionControlBuilder::max_attempts) | 3 | [`MAX_ATTEMPTS`](defaults::MAX_ATTEMPTS) |
//! | [`while_down`](CongestionControlBuilder::while_down) | [`Wait`](WhileDown::Wait) | gains a quarter more in random outages |
//! | [`hedging`](CongestionControlBuilder::hedging) | off: another request goes out when one is lost | a second request that is not needed is load |
//!
//! All else is a constant with its reason in [`defaults`]. `docs/why-these-defaults.md` in the
//! repository has the formulas and what each part is worth.
//!
//! # Telemetry
//!
//! Events: `Transition` when nothing is answered any more and when that is over, `Rejected`, `Retrying`, `Hedged` for a
//! request that goes out while another is under way, `GaveUp`. [`CongestionControl::snapshot`] has the
//! limit, what is in flight and what waits.
//!
//! # Traps
//!
//! - **A call without a deadline** is taken to have [ten seconds](defaults::DEADLINE), but nothing cuts
//!   it off.
//! - **While it is down a failing call takes until its deadline**, unless
//!   [`while_down`](CongestionControlBuilder::while_down) says otherwise.
//! - **Calls that differ in kind** (a report among look-ups) differ in time, too. Give them a policy of
//!   their own.
//! - **The shortest deadline of late counts for all**: a few calls with very short ones keep
//!   the limit low for the others.
//!
//! # When not to use it
//!
//! If the number of calls in flight is known and fixed (a licence, a pool), use a
//! [bulkhead](crate::bulkhead). If the dependency has a rate, use a [rate limit](crate::rate).

pub use config::CongestionControlBuilder;
pub use future::CongestionFuture;
pub use machine::WhileDown;
pub use policy::{CongestionCall, CongestionControl, CongestionSnapshot};
pub use stream::StreamPermit;

mod config;
pub mod defaults;
mod future;
mod inspect;
#[cfg(all(test, seawall_loom))]
mod loom_tests;
mod machine;
mod permit;
mod policy;
mod rest;
mod settings;
mod shared;
mod stream;
mod words;
