//! # Rate limit
//!
//! So many calls in a period; the rest waits its turn in a bounded line or is refused and told when
//! to come back.
//!
//! # Why
//!
//! Some dependencies count: an API grants a hundred calls a second and answers the rest with 429,
//! or bans who goes on. Keeping to the rate on this side costs nothing, is fair among one's own
//! calls, and lets them wait for their turn instead of failing.
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
//! A refusal says exactly when there will be a permit: refused one nanosecond before it, admitted
//! at it, if nobody else comes in between.
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
//! # Four ways to count
//!
//! With a quota of q in a period P:
//!
//! | [`Algorithm`] | in any interval | memory | after a rest |
//! |---|---|---|---|
//! | `Gcra` | Δt: at most burst + Δt × q / P | 2 words | a burst, then evenly |
//! | `FixedWindow` | P: up to **2 q**, around an edge | 2 words | q at once |
//! | `SlidingLog` | P: at most q, exactly | 8 bytes a permit | q at once |
//! | `SlidingCounter` | P: at most q; a permit comes back up to P / 16 late | 20 words | q at once |
//!
//! All arithmetic is in whole numbers: a rate that is no whole number of nanoseconds per permit is
//! kept exactly, and so is one above 10⁹ per second. A clock that goes back grants nothing extra,
//! and an idle century grants exactly the burst.
//!
//! # A call's way through it
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Running: permit there, nobody waits
//!     [*] --> Waiting: permit in time, place in the line
//!     [*] --> Refused: permit too late, or line full, or no line
//!     Waiting --> Running: first in line, its time has come
//!     Waiting --> Refused: closed, or the rate was lowered
//!     Waiting --> [*]: dropped, owes nothing
//! ```
//!
//! Who waits holds a place in the line, not permits: they are taken when it is its turn. So a wait
//! or [`Reservation`] that is dropped leaves no debt and everybody behind it moves up; and one that
//! starts late, because its thread was busy, does not make the next one start too early.
//!
//! # Defaults
//!
//! | setter | default | why |
//! |---|---|---|
//! | [`rate`](RateLimitBuilder::rate) | 100 in 1 s | a common quota; yours is another |
//! | [`burst`](RateLimitBuilder::burst) | as many as a period grants | what the fixed windows of most services let through |
//! | [`algorithm`](RateLimitBuilder::algorithm) | `Gcra` | least memory, no herd at an edge |
//! | [`queue`](RateLimitBuilder::queue) | none | waiting hides an overload; who has a deadline can afford a little of it |
//!
//! # Telemetry
//!
//! Events: `Rejected` for each refusal, with its reason, the rate, how many wait, and when to come
//! back. [`RateLimit::snapshot`] gives the rate, how many wait and how many were refused.
//!
//! # Traps
//!
//! - **The other side counts arrivals**, you count starts: a network that bunches calls up can
//!   break a quota that you kept. Leave some room.
//! - **Several processes** with one quota each get a part of it, or share a store.
//! - **A [`Reservation`] that nobody claims** keeps those behind it waiting until it is dropped.
//! - **Timers** of tokio go off up to a millisecond late: a line of waiting calls gets at most
//!   burst permits per millisecond. With a burst of 1 that is 1,000 a second.
//! - **A cancelled call** that had started keeps its permit: the dependency has seen it.
//!
//! # When not to use it
//!
//! If what the dependency can't stand is many calls *at once*, use a [bulkhead](crate::bulkhead): a
//! rate limit does not notice that calls take ten times as long. If the dependency says how much it
//! wants, by refusing, a [throttle](crate::throttle) adapts to that.

pub use config::{DEFAULT_PERIOD, DEFAULT_PERMITS, RateLimitBuilder};
pub use future::Acquire;
pub use keyed::{
    DEFAULT_MAX_KEYS, KeyRateLimit, KeyedRateLimit, KeyedRateLimitBuilder, KeyedRateLimitSnapshot,
};
pub use machine::Algorithm;
pub use permit::RatePermit;
pub use policy::{RateLimit, RateLimitSnapshot};
pub use reservation::Reservation;

mod config;
mod fast_path;
mod fixed_window;
mod future;
mod gcra;
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
