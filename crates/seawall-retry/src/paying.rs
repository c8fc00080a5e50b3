//! Where what a policy repeats is paid from.

use seawall_core::{ConfigError, Listeners, Name};

use crate::{Budget, BudgetBuilder};

/// What the builder of a policy that repeats was told of its budget.
#[derive(Clone, Debug)]
pub(crate) enum Paying {
    /// A budget of its own.
    Own(BudgetBuilder),
    Shared(Budget),
    Nothing,
}

impl Default for Paying {
    fn default() -> Self {
        Self::Own(Budget::builder())
    }
}

impl Paying {
    /// The budget of the policy `name`, whose listeners one of its own tells, too.
    pub(crate) fn into_budget(
        self,
        name: &Name,
        listeners: &Listeners,
    ) -> Result<Option<Budget>, ConfigError> {
        match self {
            Self::Own(budget) => budget.name(name).listeners(listeners).build().map(Some),
            Self::Shared(budget) => Ok(Some(budget)),
            Self::Nothing => Ok(None),
        }
    }
}
