//! How long a call may take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Attempt, Caught, catch};

/// How long a call may take: the same for each, or decided for each.
#[derive(Clone)]
pub(super) enum Limit {
    Fixed(Duration),
    By(Arc<dyn Fn(&Attempt) -> Duration + Send + Sync>),
}

impl Limit {
    /// The limit of the call that starts with `attempt`, or the panic of the function that decides.
    #[inline]
    pub(super) fn decide(&self, attempt: &Attempt) -> Result<Duration, Caught> {
        match self {
            Self::Fixed(limit) => Ok(*limit),
            Self::By(decide) => catch(|| decide(attempt)),
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
