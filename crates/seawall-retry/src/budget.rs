//! The budget that bounds repetitions.

pub use config::BudgetBuilder;
pub use defaults::{
    DEFAULT_COST, DEFAULT_DEPOSIT, DEFAULT_REFILL_PER_SECOND, DEFAULT_RESERVE, MAX_TOKENS,
};
pub use keyed::KeyedBudget;
pub use permit::{BudgetPermit, CallInFlight};
pub use policy::Budget;
pub use snapshot::BudgetSnapshot;

mod config;
mod defaults;
mod event;
mod inspect;
mod keyed;
#[cfg(all(test, seawall_loom))]
mod loom_tests;
mod permit;
mod policy;
mod share;
mod snapshot;
mod tokens;
