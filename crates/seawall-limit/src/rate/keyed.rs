//! A rate for each key.

pub use config::{DEFAULT_MAX_KEYS, KeyedRateLimitBuilder};
pub use of_key::KeyRateLimit;
pub use policy::{KeyedRateLimit, KeyedRateLimitSnapshot};

mod cells;
mod config;
mod of_key;
mod policy;
