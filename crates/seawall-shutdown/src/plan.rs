//! The machine together with what its steps do.

use std::collections::HashMap;
use std::fmt;
use std::sync::mpsc;
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use crate::machine::{Machine, PhaseId, ReserveTooLong, StepId, StepPlan};
use crate::step::{Body, Builtin};
use crate::{RegisterError, Shutdown, Step};

pub(crate) struct Plan {
    pub(crate) machine: Machine,
    /// What each step of the machine does.
    work: Vec<Work>,
    names: HashMap<String, StepId>,
}

struct Work {
    /// Taken when the step starts.
    body: Option<Body>,
    kind: Kind,
    abort: Option<Abort>,
}

/// How a step is cancelled.
pub(crate) enum Abort {
    Task(AbortHandle),
    /// The thread itself can't be cancelled; the task that waits for it can.
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
        Self { machine, work: Vec::new(), names: HashMap::new() }
    }

    /// Adds a step of the coordinator's own.
    pub(crate) fn add_builtin(&mut self, builtin: Builtin, phase: PhaseId) {
        let mut step = StepPlan::new(builtin.step_name().to_owned(), phase);
        step.at_limit = builtin.at_limit();
        self.keep(step.name.clone(), Body::Builtin(builtin));
        self.machine.add(step);
    }

    /// Adds a step of the user's without a look at its reserve, before the time is shared out.
    pub(crate) fn add(&mut self, phase: &str, step: Step) -> Result<(), RegisterError> {
        let (step, body) = self.resolve(phase, step)?;
        self.keep(step.name.clone(), body);
        self.machine.add(step);
        Ok(())
    }

    /// Adds a step of the user's at `now`, at any time.
    pub(crate) fn register(
        &mut self,
        phase: &str,
        step: Step,
        now: Instant,
    ) -> Result<(), RegisterError> {
        let (step, body) = self.resolve(phase, step)?;
        let name = step.name.clone();
        match self.machine.register(step, now) {
            Ok(_) => {
                self.keep(name, body);
                Ok(())
            }
            Err(ReserveTooLong) => Err(RegisterError::ReserveTooLong { step: name }),
        }
    }

    /// Finds what a step names, and refuses what can't be.
    fn resolve(&self, phase: &str, step: Step) -> Result<(StepPlan, Body), RegisterError> {
        let Step { name, limit, reserve, after, body } = step;
        let mut phases = self.machine.phases.iter();
        let Some(id) = phases.position(|known| known.name == phase) else {
            return Err(RegisterError::NoSuchPhase { step: name, phase: phase.to_owned() });
        };
        if self.machine.phase_is_over(id) {
            return Err(RegisterError::TooLate { step: name, phase: phase.to_owned() });
        }
        if self.work.len() >= Shutdown::MAX_STEPS {
            return Err(RegisterError::TooMany { step: name });
        }
        if name.is_empty() || self.names.contains_key(&name) {
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
        (plan.limit, plan.reserve) = (limit, reserve);
        Ok((plan, body))
    }

    fn keep(&mut self, name: String, body: Body) {
        let kind = match body {
            Body::Async(_) => Kind::Async,
            Body::Blocking(_) => Kind::Blocking,
            Body::Builtin(builtin) => Kind::Builtin(builtin),
        };
        self.names.insert(name, self.work.len());
        self.work.push(Work { body: Some(body), kind, abort: None });
    }

    /// Sets the drain delay, before its step begins.
    pub(crate) fn set_drain_delay(&mut self, delay: Duration) {
        if let Some(step) = self.builtin(Builtin::Delay) {
            self.machine.steps[step].limit = Some(delay);
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<StepId> {
        self.names.get(name).copied()
    }

    /// The step of the coordinator's own, if a phase has it.
    pub(crate) fn builtin(&self, builtin: Builtin) -> Option<StepId> {
        // Where no phase has it, a step of the user's may have its name.
        self.find(builtin.step_name()).filter(|&step| self.kind(step) == Kind::Builtin(builtin))
    }

    /// What a step has to do. `None` if it is over: another thread may have forced the end since the
    /// machine started it.
    pub(crate) fn take_body(&mut self, step: StepId) -> Option<Body> {
        // Left where it is then: dropping it runs code of the user's, and the plan is locked.
        if self.machine.is_running(step) { self.work[step].body.take() } else { None }
    }

    pub(crate) fn kind(&self, step: StepId) -> Kind {
        self.work[step].kind
    }

    /// Keeps `abort` for a step that runs. Gives it back if the step is over.
    #[must_use]
    pub(crate) fn set_abort(&mut self, step: StepId, abort: Abort) -> Option<Abort> {
        if self.machine.is_running(step) {
            self.work[step].abort.replace(abort)
        } else {
            Some(abort)
        }
    }

    pub(crate) fn take_abort(&mut self, step: StepId) -> Option<Abort> {
        self.work[step].abort.take()
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.machine.fmt(f)
    }
}
