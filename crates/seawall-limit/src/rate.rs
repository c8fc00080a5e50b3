//! # Rate limit
//!
//! Admits a limited number of calls in a period. The rest waits in a bounded queue, or is refused
//! with the time to try again.
//!
//! # Why
//!
//! Some dependencies count: an API grants a hundred calls a second and answers the rest with 429, or
//! bans clients that go on. Keeping the rate on this side costs nothing, is fair among one's own
//! calls, and lets them wait instead of failing.
//!
//! # Quick start
//!
//! ```
//! use std::time::Duration;
//! use seawall_limit::RateLimit;
//!
//! # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limit = RateLimit::builder()
//!     .per_second(100)
//!     .burst(10)
//!     .queue(50, Duration::from_millis(500))
//!     .build()?;
//!
//! let stock = limit.call(fetch()).await?;
//! assert_eq!(stock, 42);
//! # Ok(())
//! # }
//! ```
//!
//! A refusal says exactly when there will be a permit: one nanosecond earlier the call is refused,
//! at that time it is admitted, unless another call comes in between.
//!
//! ```
//! # use std::time::Duration;
//! # use seawall_limit::RateLimit;
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let limit = RateLimit::builder().per_second(10).burst(1).build()?;
//! limit.try_acquire()?;
//! let refusal = limit.try_acquire().unwrap_err();
//! assert_eq!(refusal.retry_after(), Some(Duration::from_millis(100)));
//! # Ok(())
//! # }
//! ```
//!
//! # Four algorithms
//!
//! With a quota of q in a period P:
//!
//! | [`Algorithm`] | in any interval | memory | after an idle time |
//! |---|---|---|---|
//! | `Gcra` | Δt: at most burst + Δt × q / P | 2 words | a burst, then evenly |
//! | `FixedWindow` | P: up to **2 q**, around an edge | 2 words | q at once |
//! | `SlidingLog` | P: at most q, exactly | 8 bytes a permit, of at most 1,000,000 | q at once |
//! | `SlidingCounter` | P: at most q; a permit comes back up to P / 16 late | 20 words | q at once |
//!
//! All arithmetic is in whole numbers: a rate that is no whole number of nanoseconds per permit is
//! kept exactly, and so is one above 10⁹ per second. A clock that goes back grants nothing extra,
//! and an idle century grants exactly the burst.
//!
//! # How a call passes through it
//!
#![doc = include_str!("rate/states.svg")]
//!
//! A call that waits holds a place in the queue, not permits: they are taken when it is the first
//! and its time has come. So a wait or [`Reservation`] that is dropped leaves no debt, and all behind
//! it move up; and one that starts late, because its thread was busy, does not make the next one
//! start too early.
//!
//! # Defaults
//!
//! | setter | default | why |
//! |---|---|---|
//! | [`rate`](RateLimitBuilder::rate) | 100 in 1 s | a common quota; yours is another |
//! | [`burst`](RateLimitBuilder::burst) | as many as a period grants | what the fixed windows of most services admit |
//! | [`algorithm`](RateLimitBuilder::algorithm) | `Gcra` | least memory, no herd at an edge |
//! | [`queue`](RateLimitBuilder::queue) | none | waiting hides an overload; calls with a deadline can afford a little of it |
//!
//! # Telemetry
//!
//! Events: `Rejected` for each refusal, with its reason, the rate, the calls that wait, and the time
//! to try again. [`RateLimit::snapshot`] gives the rate, the calls that wait and those refused.
//!
//! # Traps
//!
//! - **The dependency counts arrivals**, you count starts: a network that bunches calls up can break
//!   a quota that you kept. Leave some room.
//! - **Several processes** with one quota each need a part of it, or a shared store. If the server says
//!   what is left, [`leave_at_most`](RateLimit::leave_at_most) takes that over; it is there for
//!   [a key](KeyedRateLimit::leave_at_most), too.
//! - **A [`Reservation`] that is not claimed** keeps those behind it waiting until it is dropped.
//! - **Timers** of tokio go off up to a millisecond late: a queue of waiting calls gets at most a
//!   burst of permits per millisecond. With a burst of 1 that is 1,000 a second.
//! - **A cancelled call** that had started keeps its permit: the dependency has seen it.
//!
//! # When not to use it
//!
//! If the dependency suffers from many calls *at once*, use a [bulkhead](crate::bulkhead): a rate
//! limit does not notice that calls take ten times as long. If the dependency shows its limit by
//! refusing, a [throttle](crate::throttle) adapts to that.

pub use config::RateLimitBuilder;
pub use future::Acquire;
pub use keyed::{KeyedRateLimit, KeyedRateLimitSnapshot, RateLimitOf};
pub use machine::Algorithm;
pub use permit::RatePermit;
pub use policy::{RateLimit, RateLimitSnapshot};
pub use reservation::{NotClaimed, Reservation};

mod config;
pub mod defaults;
mod fast_path;
mod fixed_window;
mod future;
mod gcra;
mod inspect;
mod keyed;
#[cfg(all(test, seawall_loom))]
mod loom_tests;
mod machine;
mod permit;
mod policy;
mod quota;
mod reservation;
mod shared;
mod sliding_counter;
mod sliding_log;
mod state;
#[cfg(all(test, not(seawall_loom)))]
mod tests;
mod wait_queue;
