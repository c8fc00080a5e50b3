//! A rate limit for each key.

pub use of_key::RateLimitOf;
pub use policy::{KeyedRateLimit, KeyedRateLimitSnapshot};

mod cells;
mod inspect;
mod of_key;
mod policy;
mod shared;
