use std::fmt;

use crate::{Name, PolicyKind};

/// A call whose task was cancelled before it had an outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cancelled {
    /// The policy that reports it.
    pub policy: Name,
    /// Its kind.
    pub kind: PolicyKind,
}

impl Cancelled {
    /// A call that ran under `policy` and was cancelled.
    pub const fn new(policy: Name, kind: PolicyKind) -> Self {
        Self { policy, kind }
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}': cancelled before it had an outcome", self.kind, self.policy)
    }
}

impl std::error::Error for Cancelled {}
