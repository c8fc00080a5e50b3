//! The machine together with what its steps do.

use std::sync::mpsc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::machine::{Machine, PhaseId, StepId, StepPlan};
use crate::step::{Body, Builtin};
use crate::{RegisterError, Shutdown, Step};

pub(crate) struct Plan {
    pub(crate) machine: Machine,
    work: Vec<Work>,
}

/// What a step does, beside its plan.
struct Work {
    /// Taken when it starts.
    body: Option<Body>,
    kind: Kind,
    abort: Option<Abort>,
}

/// How a step is told that its time is over.
pub(crate) enum Abort {
    Task(AbortHandle),
    /// The thread itself can't be told; who waits for it can.
    Waiter(mpsc::Sender<()>),
}

impl Abort {
    pub(crate) fn abort(self) {
        match self {
            Self::Task(handle) => handle.abort(),
            Self::Waiter(waiter) => {
                // The waiter is gone if its step is over, or its runtime.
                let _ = waiter.send(());
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Async,
    Blocking,
    Builtin(Builtin),
}

impl Plan {
    pub(crate) fn new(machine: Machine) -> Self {
        Self { machine, work: Vec::new() }
    }

    pub(crate) fn add(&mut self, step: StepPlan, body: Body) -> StepId {
        let kind = match body {
            Body::Async(_) => Kind::Async,
            Body::Blocking(_) => Kind::Blocking,
            Body::Builtin(builtin) => Kind::Builtin(builtin),
        };
        self.work.push(Work { body: Some(body), kind, abort: None });
        self.machine.add(step)
    }

    /// Adds a step of the user's, at any time; `now` where the shutdown may have begun.
    pub(crate) fn register(
        &mut self,
        phase: &str,
        step: Step,
        now: Option<Instant>,
    ) -> Result<StepId, RegisterError> {
        let Step { name, limit, reserve, after, body } = step;
        let Some(id) = self.phase(phase) else {
            return Err(RegisterError::NoSuchPhase { step: name, phase: phase.to_owned() });
        };
        if self.machine.phase_is_over(id) {
            return Err(RegisterError::TooLate { step: name, phase: phase.to_owned() });
        }
        if self.work.len() >= Shutdown::MAX_STEPS {
            return Err(RegisterError::TooMany { step: name });
        }
        if name.is_empty() || self.find(&name).is_some() {
            return Err(RegisterError::NameTaken { step: name });
        }
        let mut plan = StepPlan::new(name, id);
        for before in after {
            match self.find(&before) {
                Some(step) if self.machine.steps[step].phase <= id => plan.after.push(step),
                _ => {
                    return Err(RegisterError::NoSuchStep { step: plan.name, after: before });
                }
            }
        }
        plan.limit = limit;
        plan.reserve = reserve;
        let name = plan.name.clone();
        let added = self.add(plan, body);
        if reserve > Duration::ZERO && now.is_some() && !self.machine.reserves_fit(now) {
            self.machine.take_back();
            self.work.pop();
            return Err(RegisterError::ReserveTooLong { step: name });
        }
        Ok(added)
    }

    pub(crate) fn phase(&self, name: &str) -> Option<PhaseId> {
        let mut phases = self.machine.phases.iter();
        phases.position(|phase| phase.name == name)
    }

    pub(crate) fn find(&self, name: &str) -> Option<StepId> {
        let mut steps = self.machine.steps.iter();
        steps.position(|step| step.name == name)
    }

    pub(crate) fn take_body(&mut self, step: StepId) -> Option<Body> {
        self.work[step].body.take()
    }

    pub(crate) fn kind(&self, step: StepId) -> Kind {
        self.work[step].kind
    }

    pub(crate) fn set_abort(&mut self, step: StepId, abort: Abort) {
        self.work[step].abort = Some(abort);
    }

    pub(crate) fn take_abort(&mut self, step: StepId) -> Option<Abort> {
        self.work[step].abort.take()
    }
}

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.machine.fmt(f)
    }
}
