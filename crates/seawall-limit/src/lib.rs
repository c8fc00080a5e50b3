//! Limits on what a dependency is asked to do.
//!
//! What brings a system back after an overload is a limit: on what is in flight, on what starts,
//! on what waits. Each of these is a policy of seawall's pipeline and works alone, around a future
//! and as a permit in blocking code.
//!
//! | policy | limits | use it when |
//! |---|---|---|
//! | [`Bulkhead`] | calls in flight | you know how many the dependency or the caller stands |
//! | [`AdaptiveLimit`] | calls in flight | you don't, or it changes |
//! | [`RateLimit`] | calls that start in a period | there is a quota |
//! | [`KeyedRateLimit`] | the same, for each user or tenant | you are the one who sets quotas |
//! | [`Throttle`], [`KeyedThrottle`] | calls in proportion to those accepted | the dependency says no |
//!
//! All of them refuse with a [`Rejection`](seawall_core::Rejection): which policy, why, on what
//! evidence, when to come back. It is nobody's failure: a retry does not repeat it, a breaker does
//! not count it.
//!
//! Applications use the facade, `seawall`, which re-exports what they need from here.

pub mod adaptive;
pub mod admission;
pub mod bulkhead;
pub mod rate;
pub mod throttle;

mod semaphore;
mod sync;
mod wake;

pub use adaptive::{AdaptiveLimit, AdaptiveLimitBuilder, AdaptiveLimitSnapshot};
pub use bulkhead::{Bulkhead, BulkheadBuilder, BulkheadSnapshot};
pub use rate::{Algorithm, KeyedRateLimit, RateLimit, RateLimitBuilder, RateLimitSnapshot};
pub use semaphore::Priority;
pub use throttle::{KeyedThrottle, Throttle, ThrottleBuilder, ThrottleSnapshot};
