//! What a phase and a step have to keep to, and what became of them.

use std::time::Duration;

use tokio::time::Instant;

use super::{PhaseId, StepId};
use crate::Outcome;

#[derive(Debug)]
pub(crate) struct PhasePlan {
    pub(crate) name: String,
    pub(crate) limit: Option<Duration>,
    pub(crate) reserve: Duration,
    /// So many hundredths of what fixed reserves leave of the grace period; zero for none.
    pub(crate) percent: u32,
    pub(crate) began: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    /// When it has to be over, as far as is known now.
    pub(super) deadline: Option<Instant>,
}

#[derive(Debug)]
pub(crate) struct StepPlan {
    pub(crate) name: String,
    pub(crate) phase: PhaseId,
    pub(crate) limit: Option<Duration>,
    pub(crate) reserve: Duration,
    pub(crate) after: Vec<StepId>,
    /// What it comes to when its own limit ends it: a delay is done then, all else is late.
    pub(crate) at_limit: Outcome,
    pub(crate) status: Status,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Status {
    Waiting,
    Running { since: Instant, deadline: Instant, by_limit: bool },
    Ended { outcome: Outcome, elapsed: Duration },
}

pub(super) const SKIPPED: Status =
    Status::Ended { outcome: Outcome::Skipped, elapsed: Duration::ZERO };

impl PhasePlan {
    pub(crate) fn new(name: String, limit: Option<Duration>) -> Self {
        Self {
            name,
            limit,
            reserve: Duration::ZERO,
            percent: 0,
            began: None,
            ended: None,
            deadline: None,
        }
    }
}

impl StepPlan {
    pub(crate) fn new(name: String, phase: PhaseId) -> Self {
        Self {
            name,
            phase,
            limit: None,
            reserve: Duration::ZERO,
            after: Vec::new(),
            at_limit: Outcome::TimedOut,
            status: Status::Waiting,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.status, Status::Ended { .. })
    }
}
