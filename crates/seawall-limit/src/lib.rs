//! Limits on the calls to a dependency.
//!
//! A system recovers from an overload by a limit: on the calls in flight, on those that start, on
//! those that wait. Each of these limits is a policy of seawall's pipeline and works alone, around a
//! future and as a permit in blocking code.
//!
//! | policy | limits | use it when |
//! |---|---|---|
//! | [`CongestionControl`] | requests in flight, and repeats them | all that you know is the deadline |
//! | [`Bulkhead`] | calls in flight | you know how many the dependency or the caller can bear |
//! | [`AdaptiveLimit`] | calls in flight | you don't, or the number changes |
//! | [`RateLimit`] | calls that start in a period | there is a quota |
//! | [`KeyedRateLimit`] | the same, for each user or tenant | you set the quotas |
//! | [`Throttle`], [`KeyedThrottle`] | calls in proportion to those accepted | the dependency refuses calls |
//!
//! All of them refuse with a [`Rejection`](seawall_core::Rejection): which policy, why, on what
//! evidence, when to try again. A rejection is no failure of the dependency: a retry does not repeat
//! it, a breaker does not count it.
//!
//! Applications use the facade, `seawall`, which re-exports what they need from here.

pub mod adaptive;
pub mod bulkhead;
pub mod congestion;
pub mod rate;
pub mod throttle;

mod semaphore;
mod wait_limit;

pub use adaptive::{AdaptiveLimit, AdaptiveLimitBuilder, AdaptiveLimitSnapshot};
pub use bulkhead::{Bulkhead, BulkheadBuilder, BulkheadSnapshot};
pub use congestion::{
    CongestionControl, CongestionControlBuilder, CongestionSnapshot, StreamPermit, WhileDown,
};
pub use rate::{Algorithm, KeyedRateLimit, RateLimit, RateLimitBuilder, RateLimitSnapshot};
pub use semaphore::Priority;
pub use throttle::{KeyedThrottle, Throttle, ThrottleBuilder, ThrottleSnapshot};
