//! Retry: an operation that failed is started again.

pub use config::{
    DEFAULT_INITIAL_DELAY, DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_DELAY, DEFAULT_MAX_RETRY_AFTER,
    DEFAULT_MAX_SAME_PANICS, MAX_HISTORY, RetryBuilder,
};
pub use future::RetryFuture;
pub use judge::{When, WhenOk};
pub use policy::{Retried, RetriedWith, Retry, RetryCall};

use policy::Veto;

mod blocking;
mod config;
mod course;
mod event;
mod future;
mod judge;
mod plan;
mod policy;
mod wait;
