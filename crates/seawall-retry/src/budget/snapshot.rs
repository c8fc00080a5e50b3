//! A view of a budget.

/// The state of a [`Budget`](super::Budget) at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetSnapshot {
    /// The tokens that are there; `None` if the budget counts none.
    pub tokens: Option<f64>,
    /// The tokens that were there at the start; `None` if the budget counts none.
    pub reserve: Option<f64>,
    /// The tokens that can be saved; `None` if the budget counts none.
    pub capacity: Option<f64>,
    /// The calls in flight; `None` if they are not counted.
    pub calls_in_flight: Option<u32>,
    /// The repetitions in flight, or waiting to start; `None` if they are not counted.
    pub repetitions_in_flight: Option<u32>,
    /// How many repetitions were granted since the budget was built.
    pub granted: u64,
    /// How many repetitions were refused since the budget was built.
    pub refused: u64,
}
