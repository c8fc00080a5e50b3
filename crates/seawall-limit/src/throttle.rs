//! # Throttle
//!
//! Sheds calls on the client's side, in proportion to how few the dependency accepts.
//!
//! # Why
//!
//! A dependency that refuses a call still has to read it. Under enough load, refusing is all that it
//! does. A client that sees most of its calls refused or lost can refuse calls itself, without
//! sending them: it sends about K times as many as are accepted, so that the dependency always sees
//! a little more than it can do, and the client notices when it can do more.
//!
//! # Quick start
//!
//! ```
//! use seawall_limit::Throttle;
//!
//! # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let throttle = Throttle::builder().build()?;
//! let stock = throttle.call(fetch()).await?;
//! assert_eq!(stock, 42);
//! # Ok(())
//! # }
//! ```
//!
//! # The formula
//!
//! Over a sliding window, from all requests and those of them that were accepted:
//!
//! ```text
//! p = max(0, (requests − K × accepts) / (requests + 1))
//! ```
//!
//! is the probability that a call is shed (Beyer et al., "Site Reliability Engineering", chapter 21).
//! Calls that are shed count as requests. Successes and permanent errors count as accepted: the
//! dependency has answered. Failures that point to overload or an unhealthy dependency, and calls
//! that were given up, do not. A call that a policy inside refused is not counted.
//!
#![doc = include_str!("throttle/states.svg")]
//!
//! # Defaults
//!
//! | setter | default | why |
//! |---|---|---|
//! | [`k`](ThrottleBuilder::k) | 2 | the book's |
//! | [`window`](ThrottleBuilder::window) | 10 s, sliding by tenths | with the book's two minutes, a service is back minutes after its dependency |
//! | [`min_requests`](ThrottleBuilder::min_requests) | 10 | by the formula alone, the very first failure would shed every second call |
//! | [`max_probability`](ThrottleBuilder::max_probability) | 0.9 | a dependency that gets no calls can't show that it has recovered |
//!
//! For each host or tenant: [`KeyedThrottle`].
//!
//! # Telemetry
//!
//! Events: `Rejected` with the probability of the draw. [`Throttle::snapshot`] gives requests,
//! accepts and the probability.
//!
//! # Traps
//!
//! - **Recovery takes time.** The calls that pass double in about half a window (with K = 2): from one
//!   in ten to all of them within two windows. A longer window takes longer.
//! - **Few calls**: with less than a call a second, a window of ten seconds says little.
//! - **Inside a retry** each attempt is a request, so retries make it shed sooner. That is intended.
//!
//! # When not to use it
//!
//! If the dependency is either up or down, a breaker decides faster. If it gets slow instead of
//! refusing, an [adaptive limit](crate::adaptive) sees it earlier.

pub use config::ThrottleBuilder;
pub use keyed::{KeyedThrottle, ThrottleTemplate};
pub use permit::ThrottlePermit;
pub use policy::{Throttle, ThrottleSnapshot};

mod config;
pub mod defaults;
mod inspect;
mod keyed;
mod machine;
mod permit;
mod policy;
mod shared;
