//! Cuts a call off when it takes too long.

mod config;
mod event;
mod expiry;
mod future;
mod limit;
mod plan;
mod policy;

pub use config::{DEFAULT_ATTEMPT_LIMIT, DEFAULT_LIMIT, TimeoutBuilder};
pub use future::TimeoutFuture;
pub use limit::Limit;
pub use plan::LONGEST;
pub use policy::{Timeout, TimeoutCall};
