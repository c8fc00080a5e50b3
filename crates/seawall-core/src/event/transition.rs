use std::fmt;
use std::time::Duration;

use super::CircuitState;
use crate::error::Evidence;

/// A circuit's change of state.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Transition {
    /// The state that ended.
    pub from: CircuitState,
    /// The state that began.
    pub to: CircuitState,
    /// The generation that began with it.
    pub generation: u64,
    /// What the change rests on; `None` where time or an operator made it.
    pub evidence: Option<Evidence>,
    /// How long the new state refuses before it lets probes through, where it does.
    pub retry_after: Option<Duration>,
    /// What failed of a circuit that opens, the most frequent first, where a listener
    /// [knows](crate::Listener::causes). At most [`MAX_CAUSES`](Self::MAX_CAUSES).
    pub causes: Vec<Cause>,
}

/// What some of the failures were that a circuit opens for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// Names the kind of failure, in every process alike.
    pub fingerprint: Box<str>,
    /// What it says, without what varies.
    pub description: Box<str>,
    /// How many there were.
    pub count: u64,
}

impl Cause {
    /// `count` failures of the kind that `fingerprint` names.
    pub fn new(
        fingerprint: impl Into<Box<str>>,
        description: impl Into<Box<str>>,
        count: u64,
    ) -> Self {
        Self { fingerprint: fingerprint.into(), description: description.into(), count }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}× {}", self.count, self.description)
    }
}

impl Transition {
    /// The most causes that a transition names: a line of a log holds no more.
    pub const MAX_CAUSES: usize = 3;

    /// A change from `from` to `to`, beginning `generation`.
    pub const fn new(from: CircuitState, to: CircuitState, generation: u64) -> Self {
        Self { from, to, generation, evidence: None, retry_after: None, causes: Vec::new() }
    }

    /// This transition, resting on `evidence`.
    #[must_use]
    pub const fn because(mut self, evidence: Option<Evidence>) -> Self {
        self.evidence = evidence;
        self
    }

    /// This transition, into a state that refuses for `retry_after`.
    #[must_use]
    pub const fn retry_in(mut self, retry_after: Option<Duration>) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// This transition, naming the most frequent of its own causes and `causes`.
    #[must_use]
    pub fn caused_by(mut self, causes: impl IntoIterator<Item = Cause>) -> Self {
        self.add_causes(causes);
        self
    }

    pub(crate) fn add_causes(&mut self, causes: impl IntoIterator<Item = Cause>) {
        self.causes.extend(causes);
        self.causes.sort_by_key(|cause| std::cmp::Reverse(cause.count));
        self.causes.truncate(Self::MAX_CAUSES);
    }

    /// What made a change that rests on no evidence: time, or an operator.
    const fn cause_without_evidence(&self) -> Option<&'static str> {
        use CircuitState::{Closed, ForcedClosed, ForcedOpen, HalfOpen, Open, Ramping, Shadow};
        Some(match (self.from, self.to) {
            (_, ForcedOpen | ForcedClosed | Shadow) => "ordered by an operator",
            (ForcedOpen | ForcedClosed | Shadow, _) => "released by an operator",
            (Open, HalfOpen) => "the wait is over",
            (Ramping, Closed) => "all stages went well",
            (_, Closed) => "reset",
            _ => return None,
        })
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} → {}", self.from, self.to)?;
        if let Some(evidence) = &self.evidence {
            write!(f, ": {evidence}")?;
        } else if let Some(cause) = self.cause_without_evidence() {
            write!(f, ": {cause}")?;
        }
        for (place, cause) in self.causes.iter().enumerate() {
            write!(f, "{}{cause}", if place == 0 { "; failed: " } else { ", " })?;
        }
        match self.retry_after {
            Some(retry_after) => write!(f, "; retry in {retry_after:.3?}"),
            None => Ok(()),
        }
    }
}
