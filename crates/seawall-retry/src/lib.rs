//! Retry with backoff and jitter, a budget that bounds what is repeated, and hedging: asking again
//! without making the outage worse.
//!
//! # What and why
//!
//! Many failures between two services are gone a moment later: a connection that was reset, a node
//! that restarts, a queue that was full. Asking again hides them from the caller. Without a limit it
//! also keeps an outage alive: three attempts for each call are three times the traffic, at the
//! moment when the dependency can bear it least. So there are three things here.
//!
//! - [`Retry`] repeats an operation that failed, after a [`Backoff`] whose [`Jitter`] keeps callers
//!   that failed together from coming back together.
//! - [`Budget`] limits how much of the traffic may be repeated. Any number of retries and hedges
//!   share one. It is on by default.
//! - [`Hedge`] launches a second attempt while the first is slow, and takes the first outcome.
//!
//! # Quick start
//!
//! ```
//! use seawall_retry::Retry;
//!
//! # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let retry = Retry::builder().idempotent().build()?;
//! let answer = retry.call(|| fetch()).await?;
//! assert_eq!(answer, 42);
//! # Ok(())
//! # }
//! ```
//!
//! In a pipeline a retry goes inside the timeout of the whole call and outside of everything that
//! belongs to one attempt: breaker, attempt timeout, panic guard. With [`Retryable`] the call above
//! reads `fetch.retry(&retry)`. Threads that may block use [`Retry::call_blocking`].
//!
//! # What is repeated
//!
//! | outcome of an attempt | repeated | takes from the budget |
//! |---|---|---|
//! | success | no | |
//! | [transient](Class::Transient), [overloaded](Class::Overloaded), a timeout, a caught panic | if it is [idempotent](RetryBuilder::idempotent), or was certainly [not carried out](CarriedOut::No); never before the time that the dependency asked for | yes |
//! | [permanent](Class::Permanent) | no | |
//! | refused by one of our own policies | no; [on demand](RetryBuilder::wait_for_rejections) if it knows when to come back | no |
//! | cancelled, shutting down | no | |
//!
//! `.idempotent()` says that carrying the operation out twice does no harm. It has to be said, once
//! on the builder or for one call: after a timeout nobody knows whether the operation was carried out.
//! A call has three grades:
//!
//! | [`Attempt::idempotent`] | repeated is |
//! |---|---|
//! | `true` | any failure that may pass |
//! | unset, and the builder says nothing | only what was certainly not carried out |
//! | `false` | nothing |
//!
//! What a failure means, and whether the operation was carried out, is said by the
//! [classifier](seawall_core::Classify) of the pipeline, or of
//! [this retry alone](seawall_core::PolicyExt::classify). An `Ok` can be a failure, too: it is repeated
//! like one, and comes back as the `Ok` that it is if it is the last.
//! [`while_attempt`](RetryBuilder::while_attempt) decides by the attempt: its number, for instance.
//!
#![doc = include_str!("states.svg")]
//!
//! # What comes back
//!
//! The outcome of the last attempt. If it is an error, it is wrapped in
//! [`GaveUp`](seawall_core::GaveUp), which says after how many attempts, in what time, and why it
//! ended, unless repeating was out of the question from the start: a first attempt that was not
//! repeatable, or a retry of one attempt, gives its error as it is. A first attempt that would have
//! been repeated, had the budget, the deadline or a shutdown allowed it, is wrapped. What a wrapped
//! error means, and the operation's own error in it, are those of the last attempt.
//!
//! A [`Hedge`] gives the first answer of its attempts: a success, or a permanent failure. Where all
//! fail otherwise, the primary's failure comes back, wrapped if there was more than one attempt, with
//! those of the hedges as its history.
//!
//! The time that it names counts from when an attempt was first pending or first waited for: a call
//! that succeeds at once reads no clock.
//!
//! | [`StopReason`](seawall_core::StopReason) | |
//! |---|---|
//! | `Attempts` | all attempts were used |
//! | `Deadline` | the next attempt could not have started in time, so it was not waited for; or the wait for it took too long |
//! | `Budget` | the budget was empty |
//! | `Permanent` | the last outcome was not one to repeat after |
//! | `Rejected` | one of our own policies refused the last attempt; [`before`](seawall_core::GaveUp::before) may have the failure before it |
//! | `Shutdown` | the token was cancelled; a wait ends at once |
//! | `Poisoned` | the same panic came again and again |
//! | `RetryAfter` | somebody asked for a longer wait than [`max_retry_after`](RetryBuilder::max_retry_after); [`Error::retry_after`](seawall_core::Error::retry_after) says until when |
//!
//! # Delays
//!
//! A [`Backoff`] is a schedule, a maximum and a jitter. No delay exceeds the maximum, and none piles
//! up on it. Below, the delay before each of ten attempts: the schedule as a line, 48 calls as dots.
//!
#![doc = include_str!("delays.svg")]
//!
//! If a dependency asks for a wait (`Retry-After`, which [`parse_retry_after`] reads), the delay is at
//! least that long. Callers that were given the same hint are spread after it by their jitter. If it is
//! longer than [`max_retry_after`](RetryBuilder::max_retry_after), the call ends at once, and its error
//! says until when.
//!
//! # Defaults
//!
//! | | default | why |
//! |---|---|---|
//! | attempts | 3, the first included | [`DEFAULT_MAX_ATTEMPTS`](retry::DEFAULT_MAX_ATTEMPTS) |
//! | delays | exponential from 100 ms by 2, up to 5 s, full jitter | [`DEFAULT_INITIAL_DELAY`](retry::DEFAULT_INITIAL_DELAY) |
//! | budget | one of its own: 10 tokens, a fifth of one for each call and a tenth for each second | [`DEFAULT_DEPOSIT`](budget::DEFAULT_DEPOSIT), [`DEFAULT_REFILL_PER_SECOND`](budget::DEFAULT_REFILL_PER_SECOND) |
//! | waits that a dependency asks for | up to a minute | [`DEFAULT_MAX_RETRY_AFTER`](retry::DEFAULT_MAX_RETRY_AFTER) |
//! | the same panic | twice | [`DEFAULT_MAX_SAME_PANICS`](retry::DEFAULT_MAX_SAME_PANICS) |
//! | hedge | one, after the 95th percentile of recent latencies | [`DEFAULT_PERCENTILE`](hedge::DEFAULT_PERCENTILE) |
//!
//! # How much worse it can get
//!
//! The description of a pipeline has the largest number of attempts that one call can make, and the
//! longest time that it can take, both from the configuration alone. A budget bounds all calls
//! together: `n` calls in `t` seconds reach the dependency at most
//! `n + reserve + n · deposit + t · refill` times; without a budget up to three times `n`. That holds
//! for a budget that several layers share, too, a retry around a hedge for instance: a call inside
//! another of the same budget pays nothing in, as long as it runs in the same task.
//!
//! # Telemetry
//!
//! | event | when |
//! |---|---|
//! | [`Retrying`](seawall_core::EventKind::Retrying) | an attempt failed, another follows: number, class, delay |
//! | [`GaveUp`](seawall_core::EventKind::GaveUp) | it stopped: attempts, why, the last class |
//! | [`Hedged`](seawall_core::EventKind::Hedged) | a hedge was launched |
//! | [`BudgetExhausted`](seawall_core::EventKind::BudgetExhausted), [`BudgetRecovered`](seawall_core::EventKind::BudgetRecovered) | alternately: a repetition was refused; the budget has [enough](BudgetBuilder::listeners) for several again |
//! | [`Panicked`](seawall_core::EventKind::Panicked) | a predicate or function of the user panicked; the panic was contained |
//!
//! [`Budget::snapshot`] says what is left, in flight, granted and refused.
//!
//! # Traps
//!
//! - **Retries at several layers multiply.** Three attempts at each of three services are 27 calls to
//!   the last. Retry at one layer; the budget keeps the rest bounded.
//! - **A retry does not interrupt an attempt.** Without an attempt timeout, an operation that hangs is
//!   never repeated. The [`deadline`](RetryBuilder::deadline) bounds when attempts start.
//! - **A hedge carries operations out twice.** It is for reads. The loser is dropped, not undone.
//! - **A retry's own budget belongs to that retry.** Clones share it. Two retries that were built
//!   separately share one only if they are given the same.
//! - **Timers have steps of a millisecond.** A delay of zero never goes through a timer. After 32
//!   attempts without a wait, other tasks get a turn.
//!
//! # When not to use it
//!
//! For work that may take minutes or must survive this process, use a queue. A stream or connection
//! that has to stay up is reconnected by its owner. Where the client library retries already, switch
//! one of the two off.

pub mod budget;
pub mod hedge;
pub mod retry;

mod extension;
mod retry_after;
mod shared;

pub use budget::{Budget, BudgetBuilder, BudgetPermit, BudgetSnapshot, CallInFlight, KeyedBudget};
pub use extension::Retryable;
pub use hedge::{Hedge, HedgeBuilder, HedgeCall, HedgeFuture};
pub use retry::{Retry, RetryBuilder, RetryCall, RetryFuture};
pub use retry_after::parse_retry_after;
pub use seawall_core::{Backoff, Jitter, Random};

#[cfg(doc)]
use seawall_core::{Attempt, CarriedOut, Class};
