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
    /// The evidence for the change; `None` where time or an operator made it.
    pub evidence: Option<Evidence>,
    /// How long the new state refuses before it admits probes, if it refuses.
    pub retry_after: Option<Duration>,
    /// The failures for which a circuit opens, the most frequent first, where a listener
    /// [knows](crate::Listener::causes) them. At most [`MAX_CAUSES`](Self::MAX_CAUSES).
    pub causes: Vec<Cause>,
}

/// A kind of failure for which a circuit opens.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cause {
    /// Names the kind of failure, the same in every process.
    pub fingerprint: Box<str>,
    /// Its message, without the parts that vary.
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

    /// This transition, with its evidence.
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

    /// The cause of a change without evidence: time, or an operator.
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
