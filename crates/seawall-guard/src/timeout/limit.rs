//! How long a call may take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::Attempt;
use seawall_core::inspect::Value;

/// How long a call may take: the same for each, or decided for each.
#[derive(Clone)]
pub(super) enum Limit {
    Fixed(Duration),
    By(Arc<Decide>),
}

pub(super) type Decide = dyn Fn(&Attempt) -> Duration + Send + Sync;

impl Limit {
    /// The limit as a setting.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Fixed(limit) => Value::from(*limit),
            Self::By(_) => Value::Code,
        }
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(limit) => limit.fmt(f),
            Self::By(_) => f.write_str("by function"),
        }
    }
}
