//! # Throttle
//!
//! Sheds calls on the client's side, in proportion to how few the dependency accepts.
//!
//! # Why
//!
//! A dependency that refuses a call still has to read it. Under enough load refusing is all that it
//! does. A client that sees most of its calls refused or lost can do the refusing itself, without
//! asking: of every so many calls it sends only about K times what is accepted, so that the
//! dependency keeps seeing a little more than it can do and the client notices when it can do more.
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
//! Over a sliding window, with requests and those of them that were accepted:
//!
//! ```text
//! p = max(0, (requests − K × accepts) / (requests + 1))
//! ```
//!
//! is the probability of being shed. Calls that are shed count as requests. From Beyer et al., "Site
//! Reliability Engineering", chapter 21. Accepted is what was answered: successes and permanent
//! errors. Not accepted is what failed in a way that speaks for overload or sickness, and what was
//! given up. A call that a policy inside refused is not counted.
//!
//! ```mermaid
//! stateDiagram-v2
//!     [*] --> Sent: p is 0, or the draw says so
//!     [*] --> Shed: the draw says so (a request)
//!     Sent --> [*]: answered (a request, an accept)
//!     Sent --> [*]: failed, dropped (a request)
//! ```
//!
//! # Defaults
//!
//! | setter | default | why |
//! |---|---|---|
//! | [`k`](ThrottleBuilder::k) | 2 | the book's |
//! | [`window`](ThrottleBuilder::window) | 10 s, sliding by tenths | with the book's two minutes a service is back minutes after its dependency |
//! | [`min_requests`](ThrottleBuilder::min_requests) | 10 | by the formula alone the first failure of all would have every second call shed |
//! | [`max_probability`](ThrottleBuilder::max_probability) | 0.9 | what is not asked can't be known to be well again |
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
//! - **The way back takes its time.** What gets through doubles in about half a window (with K = 2),
//!   from one in ten to all of it within two windows. A longer window is a longer way.
//! - **Few calls**: with less than a call a second a window of ten seconds says little.
//! - **Inside a retry** each attempt is a request, so retries make it shed sooner, which is meant.
//!
//! # When not to use it
//!
//! If the dependency is either up or down, a breaker decides faster. If it gets slow instead of
//! refusing, an [adaptive limit](crate::adaptive) sees it earlier.

pub use config::{
    DEFAULT_K, DEFAULT_MAX_PROBABILITY, DEFAULT_MIN_REQUESTS, DEFAULT_WINDOW, ThrottleBuilder,
};
pub use keyed::KeyedThrottle;
pub use permit::ThrottlePermit;
pub use policy::{Throttle, ThrottleSnapshot};

mod config;
mod keyed;
mod machine;
mod permit;
mod policy;
