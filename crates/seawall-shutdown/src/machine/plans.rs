//! What a phase and a step have to keep to, and how they ended.

use std::time::Duration;

use tokio::time::Instant;

use super::{PhaseId, StepId};
use crate::Outcome;

#[derive(Debug)]
pub(crate) struct PhasePlan {
    pub(crate) name: String,
    limit: Option<Duration>,
    pub(super) reserve: Reserve,
    /// This phase's part of what fixed reserves leave, in force since it was last shared out.
    pub(super) share: Duration,
    /// The longest chain of reserves among its steps.
    pub(super) chain: Duration,
    pub(crate) steps: Vec<StepId>,
    /// How many of its steps are not over.
    pub(super) open: usize,
    pub(crate) began: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    /// When it has to be over; `None` before it begins, and where nothing bounds it.
    pub(super) deadline: Option<Instant>,
}

/// What is kept of the grace period for a phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reserve {
    /// This many hundredths of what fixed reserves leave, if the phase has a step.
    Percent(u32),
    Fixed(Duration),
}

#[derive(Debug)]
pub(crate) struct StepPlan {
    pub(crate) name: String,
    pub(crate) phase: PhaseId,
    pub(crate) limit: Option<Duration>,
    pub(crate) reserve: Duration,
    pub(crate) after: Vec<StepId>,
    /// Its outcome when its own limit ends it: a delay is done then, everything else is late.
    pub(crate) at_limit: Outcome,
    pub(crate) status: Status,
    /// How many of those in `after` are not over.
    pub(super) waits_for: usize,
    /// The steps that have this one in their `after`.
    pub(super) dependents: Vec<StepId>,
    /// The longest chain of reserves among its dependents in its phase.
    pub(super) behind: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Status {
    Waiting,
    Running { since: Instant, deadline: Instant, by_limit: bool },
    Ended { outcome: Outcome, elapsed: Duration },
}

impl PhasePlan {
    pub(crate) fn new(name: String, limit: Option<Duration>, reserve: Reserve) -> Self {
        Self {
            name,
            limit,
            reserve,
            share: Duration::ZERO,
            chain: Duration::ZERO,
            steps: Vec::new(),
            open: 0,
            began: None,
            ended: None,
            deadline: None,
        }
    }

    /// What its own settings and its steps reserve, without its share.
    pub(super) fn fixed(&self) -> Duration {
        match self.reserve {
            Reserve::Fixed(reserve) => reserve.max(self.chain),
            Reserve::Percent(_) => self.chain,
        }
    }

    /// When its own limit ends it, if it began `now` or has begun.
    pub(super) fn own_end(&self, now: Instant) -> Option<Instant> {
        self.began.unwrap_or(now).checked_add(self.limit?)
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
            waits_for: 0,
            dependents: Vec::new(),
            behind: Duration::ZERO,
        }
    }

    pub(super) fn is_over(&self) -> bool {
        matches!(self.status, Status::Ended { .. })
    }

    /// Its reserve and those of the longest chain behind it.
    pub(super) fn chain(&self) -> Duration {
        self.reserve.saturating_add(self.behind)
    }
}
