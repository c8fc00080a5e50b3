//! The budget that bounds repetitions.

pub use config::{BudgetBuilder, DEFAULT_COST, DEFAULT_DEPOSIT, DEFAULT_RESERVE, MAX_TOKENS};
pub use handle::Budget;
pub use keyed::KeyedBudget;
pub use permit::{BudgetPermit, CallInFlight};
pub use snapshot::BudgetSnapshot;

mod config;
mod event;
mod handle;
mod keyed;
mod permit;
mod share;
mod snapshot;
mod tokens;
