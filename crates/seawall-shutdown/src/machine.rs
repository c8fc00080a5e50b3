//! The pure decision: which phase it is, which steps may start, which have run out of time.
//!
//! No clock, no task, no lock: `now` comes in, [`Action`]s go out. Each step is looked at when it
//! starts, when it ends and when one that it comes after ends, so that a plan costs what its steps
//! and their dependencies number.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::Outcome;
pub(crate) use plans::{PhasePlan, Reserve, Status, StepPlan};
pub(crate) use reserves::{ReserveTooLong, share};

mod plans;
mod reserves;
#[cfg(test)]
mod tests;

pub(crate) type StepId = usize;
pub(crate) type PhaseId = usize;

/// What the shell has to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    EnterPhase(PhaseId),
    Start(StepId),
    /// Cancel a step that is over though it still runs.
    Cancel(StepId),
    /// Report that a step is over.
    Ended(StepId),
}

#[derive(Debug)]
pub(crate) struct Machine {
    grace: Duration,
    pub(crate) phases: Vec<PhasePlan>,
    pub(crate) steps: Vec<StepPlan>,
    current: PhaseId,
    /// The steps of the current phase that wait for no other.
    ready: BTreeSet<StepId>,
    /// When the steps under way have to be over.
    deadlines: BTreeSet<(Instant, StepId)>,
    /// The steps that are over and not reported.
    unreported: Vec<StepId>,
    began: Option<Instant>,
    ended: Option<Instant>,
}

impl Machine {
    pub(crate) fn new(grace: Duration, phases: Vec<PhasePlan>) -> Self {
        Self {
            grace,
            phases,
            steps: Vec::new(),
            current: 0,
            ready: BTreeSet::new(),
            deadlines: BTreeSet::new(),
            unreported: Vec::new(),
            began: None,
            ended: None,
        }
    }

    /// The shutdown begins. Says whether this was the first time; no other counts.
    pub(crate) fn begin(&mut self, now: Instant) -> bool {
        let first = self.began.is_none();
        self.began.get_or_insert(now);
        first
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ended.is_some()
    }

    /// From the trigger to the end, or to `now`.
    pub(crate) fn elapsed(&self, now: Instant) -> Duration {
        let ended = self.ended.unwrap_or(now);
        self.began.map_or(Duration::ZERO, |began| ended.saturating_duration_since(began))
    }

    pub(crate) fn phase_is_over(&self, phase: PhaseId) -> bool {
        self.is_over() || phase < self.current
    }

    pub(crate) fn is_running(&self, step: StepId) -> bool {
        matches!(self.steps[step].status, Status::Running { .. })
    }

    /// Adds a step without a look at its reserve: see [`share_out`](Self::share_out).
    pub(crate) fn add(&mut self, mut step: StepPlan) -> StepId {
        let id = self.steps.len();
        for &before in &step.after {
            let before = &mut self.steps[before];
            step.waits_for += usize::from(!before.is_over());
            before.dependents.push(id);
        }
        let phase = &mut self.phases[step.phase];
        phase.steps.push(id);
        phase.open += 1;
        if step.waits_for == 0 && phase.began.is_some() {
            self.ready.insert(id);
        }
        self.steps.push(step);
        id
    }

    /// Takes off the step that was added last.
    fn take_back(&mut self) {
        let Some(step) = self.steps.pop() else { return };
        for before in step.after {
            self.steps[before].dependents.pop();
        }
        let phase = &mut self.phases[step.phase];
        phase.steps.pop();
        phase.open -= 1;
        self.ready.remove(&self.steps.len());
    }

    /// A step ended. One that is over already stays as it is.
    pub(crate) fn end_step(&mut self, step: StepId, outcome: Outcome, now: Instant) {
        let Status::Running { since, deadline, .. } = self.steps[step].status else { return };
        self.deadlines.remove(&(deadline, step));
        self.set_ended(step, outcome, now.saturating_duration_since(since));
    }

    /// What is to be done at `now`.
    pub(crate) fn advance(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.began.is_none() {
            return;
        }
        while self.ended.is_none() {
            self.report_ended(actions);
            let Some(phase) = self.phases.get(self.current) else {
                self.ended = Some(now);
                break;
            };
            if phase.began.is_none() {
                self.enter_phase(now);
                actions.push(Action::EnterPhase(self.current));
            }
            self.end_overdue(now, actions);
            self.start_ready(now, actions);
            let phase = &mut self.phases[self.current];
            if phase.open > 0 {
                break;
            }
            phase.ended = Some(now);
            self.current += 1;
        }
        self.report_ended(actions);
    }

    /// Everything ends now: what runs is aborted, what waits is skipped.
    pub(crate) fn force(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.begin(now);
        if self.is_over() {
            return;
        }
        for id in 0..self.steps.len() {
            match self.steps[id].status {
                Status::Running { .. } => {
                    self.end_step(id, Outcome::Aborted, now);
                    actions.push(Action::Cancel(id));
                }
                Status::Waiting => self.set_ended(id, Outcome::Skipped, Duration::ZERO),
                Status::Ended { .. } => {}
            }
        }
        if let Some(phase) = self.phases.get_mut(self.current)
            && phase.began.is_some()
        {
            phase.ended = Some(now);
        }
        self.ended = Some(now);
        self.report_ended(actions);
    }

    /// When [`advance`](Self::advance) has something to do at the latest, if nothing ends before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(deadline, _)| deadline)
    }

    fn enter_phase(&mut self, now: Instant) {
        let deadline = self.latest_end(self.current, now);
        let phase = &mut self.phases[self.current];
        (phase.began, phase.deadline) = (Some(now), deadline);
        let ready = phase.steps.iter().filter(|&&id| self.steps[id].waits_for == 0);
        self.ready.extend(ready);
    }

    fn end_overdue(&mut self, now: Instant, actions: &mut Vec<Action>) {
        while let Some(&(deadline, id)) = self.deadlines.first()
            && deadline <= now
        {
            let step = &self.steps[id];
            let by_limit = matches!(step.status, Status::Running { by_limit: true, .. });
            let outcome = if by_limit { step.at_limit.clone() } else { Outcome::TimedOut };
            self.end_step(id, outcome, now);
            actions.push(Action::Cancel(id));
        }
    }

    fn start_ready(&mut self, now: Instant, actions: &mut Vec<Action>) {
        // A step that is skipped may make others ready.
        while let Some(id) = self.ready.pop_first() {
            let step = &self.steps[id];
            let by_phase = self.deadline_before(step.behind, now);
            if by_phase <= now {
                self.set_ended(id, Outcome::Skipped, Duration::ZERO);
                continue;
            }
            let own = step.limit.and_then(|limit| now.checked_add(limit));
            let (deadline, by_limit) = match own {
                Some(own) if own <= by_phase => (own, true),
                _ => (by_phase, false),
            };
            self.steps[id].status = Status::Running { since: now, deadline, by_limit };
            self.deadlines.insert((deadline, id));
            actions.push(Action::Start(id));
        }
    }

    fn report_ended(&mut self, actions: &mut Vec<Action>) {
        actions.extend(self.unreported.drain(..).map(Action::Ended));
    }

    fn set_ended(&mut self, id: StepId, outcome: Outcome, elapsed: Duration) {
        self.steps[id].status = Status::Ended { outcome, elapsed };
        self.unreported.push(id);
        let phase = self.steps[id].phase;
        self.phases[phase].open -= 1;
        for dependent in std::mem::take(&mut self.steps[id].dependents) {
            let step = &mut self.steps[dependent];
            step.waits_for -= 1;
            if step.waits_for == 0 && step.phase == phase {
                self.ready.insert(dependent);
            }
        }
    }
}
