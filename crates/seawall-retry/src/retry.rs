//! Retry: starts an operation that failed again.

pub use config::RetryBuilder;
pub use defaults::{
    DEFAULT_INITIAL_DELAY, DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_DELAY, DEFAULT_MAX_RETRY_AFTER,
    DEFAULT_MAX_SAME_PANICS, MAX_HISTORY,
};
pub use future::RetryFuture;
pub use policy::{Retry, RetryCall};

mod blocking;
mod config;
mod defaults;
mod future;
mod live;
mod plan;
mod policy;
mod state;
mod wait;
