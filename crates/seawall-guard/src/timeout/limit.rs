//! How long a call may take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::inspect::Value;
use seawall_core::{AtomicDuration, Attempt};

/// How long a call may take: the same for each until it is replaced, or decided for each.
#[derive(Clone)]
pub(super) enum Limit {
    Fixed(Arc<AtomicDuration>),
    By(Arc<Decide>),
}

pub(super) type Decide = dyn Fn(&Attempt) -> Duration + Send + Sync;

impl Limit {
    pub(super) fn fixed(limit: Duration) -> Self {
        Self::Fixed(Arc::new(AtomicDuration::new(limit)))
    }

    /// The limit as a setting.
    pub(super) fn value(&self) -> Value {
        match self {
            Self::Fixed(limit) => Value::from(limit.load()),
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
