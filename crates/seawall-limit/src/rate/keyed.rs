//! A rate limit for each key.

pub use of_key::RateLimitOf;
pub use policy::{KeyedRateLimit, KeyedRateLimitSnapshot};

mod cells;
mod of_key;
mod policy;
mod shared;
