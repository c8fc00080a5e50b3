//! Retry with backoff, jitter, budgets and hedging: asking again without making the outage worse.

pub mod retry;

pub use retry::{Retry, RetryBuilder, RetryCall, RetryFuture};
pub use seawall_core::{Backoff, Jitter, Random};
