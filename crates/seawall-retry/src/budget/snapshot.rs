//! What a budget looks like from outside.

/// What a [`Budget`](super::Budget) held at one moment.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct BudgetSnapshot {
    /// The tokens that are there; `None` where there are none to count.
    pub tokens: Option<f64>,
    /// The calls in flight; `None` where they are not counted.
    pub calls_in_flight: Option<u32>,
    /// The repetitions that hold a place; `None` where they are not counted.
    pub repetitions_in_flight: Option<u32>,
    /// How often something was taken, since the budget was made.
    pub granted: u64,
    /// How often there was nothing to take.
    pub refused: u64,
}
