//! A rate for each key.

pub use config::{DEFAULT_MAX_KEYS, KeyedRateLimitBuilder};
pub use keyed_rate_limit::{KeyedRateLimit, KeyedRateLimitSnapshot};
pub use of_key::KeyRateLimit;

mod cells;
mod config;
mod keyed_rate_limit;
mod of_key;
