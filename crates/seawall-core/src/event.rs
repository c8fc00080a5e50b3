//! The typed events of all policies.

use std::fmt;

use tokio::time::Instant;

use crate::{Name, PolicyKind};

pub use circuit_state::CircuitState;
pub use kind::EventKind;
pub use transition::{Cause, Transition};

mod circuit_state;
mod kind;
mod transition;

/// Something that a policy did. Logs, metrics and consoles are listeners.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The policy's name.
    pub policy: Name,
    /// The policy's kind.
    pub policy_kind: PolicyKind,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub kind: EventKind,
}

impl Event {
    /// The policy did `kind` at `at`.
    pub const fn new(policy: Name, policy_kind: PolicyKind, at: Instant, kind: EventKind) -> Self {
        Self { policy, policy_kind, at, kind }
    }

    /// The transition, if a circuit opens by it, or would in shadow.
    pub(crate) fn opening(&mut self) -> Option<&mut Transition> {
        match &mut self.kind {
            EventKind::Transition(transition) | EventKind::Shadowed(transition) => {
                (transition.to == CircuitState::Open).then_some(transition)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            // These name their policy themselves.
            EventKind::Rejected(_) | EventKind::WouldReject(_) | EventKind::TimedOut(_) => {
                self.kind.fmt(f)
            }
            kind => write!(f, "{} '{}': {kind}", self.policy_kind, self.policy),
        }
    }
}
