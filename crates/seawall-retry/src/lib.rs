//! Retry with backoff, jitter, budgets and hedging: asking again without making the outage worse.

pub mod budget;
pub mod hedge;
pub mod retry;

mod extension;
mod retry_after;
mod sync;

pub use budget::{Budget, BudgetBuilder, BudgetPermit, BudgetSnapshot, CallInFlight, KeyedBudgets};
pub use extension::Retryable;
pub use hedge::{Hedge, HedgeBuilder, HedgeCall, HedgeFuture};
pub use retry::{Retry, RetryBuilder, RetryCall, RetryFuture};
pub use retry_after::parse_retry_after;
pub use seawall_core::{Backoff, Jitter, Random};
