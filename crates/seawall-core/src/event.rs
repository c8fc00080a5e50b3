//! The one typed stream of what policies do.

use std::fmt;

use tokio::time::Instant;

use crate::{Name, PolicyKind};

pub use circuit_state::CircuitState;
pub use transition::{Cause, Transition};
pub use what::What;

mod circuit_state;
mod transition;
mod what;

/// Something that a policy did. Logs, metrics and consoles are listeners to these.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// The policy's name.
    pub policy: Name,
    /// Its kind.
    pub kind: PolicyKind,
    /// When it happened.
    pub at: Instant,
    /// What happened.
    pub what: What,
}

impl Event {
    /// The policy did `what` at `at`.
    pub const fn new(policy: Name, kind: PolicyKind, at: Instant, what: What) -> Self {
        Self { policy, kind, at, what }
    }

    /// The transition, if a circuit opens by it, or would in shadow.
    pub(crate) fn opening(&mut self) -> Option<&mut Transition> {
        match &mut self.what {
            What::Transition(transition) | What::Shadowed(transition) => {
                (transition.to == CircuitState::Open).then_some(transition)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            // These name their policy themselves.
            What::Rejected(_) | What::WouldReject(_) | What::TimedOut(_) => self.what.fmt(f),
            what => write!(f, "{} '{}': {what}", self.kind, self.policy),
        }
    }
}
