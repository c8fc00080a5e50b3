//! The pure decision: which phase it is, which steps may start, which have run out of time.
//!
//! No clock, no task, no lock: `now` comes in, [`Action`]s go out.

use std::time::Duration;

use tokio::time::Instant;

use crate::Outcome;
pub(crate) use plans::{PhasePlan, Status, StepPlan};
pub(crate) use reserves::share;

use plans::SKIPPED;

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
    /// Cancel it: it is over, and may not know.
    Cancel(StepId),
}

#[derive(Debug)]
pub(crate) struct Machine {
    grace: Duration,
    pub(crate) phases: Vec<PhasePlan>,
    pub(crate) steps: Vec<StepPlan>,
    current: PhaseId,
    began: Option<Instant>,
    ended: Option<Instant>,
}

impl Machine {
    pub(crate) fn new(grace: Duration, phases: Vec<PhasePlan>, steps: Vec<StepPlan>) -> Self {
        Self { grace, phases, steps, current: 0, began: None, ended: None }
    }

    /// The shutdown begins. Only the first call counts.
    pub(crate) fn begin(&mut self, now: Instant) {
        self.began.get_or_insert(now);
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

    /// Adds a step. The caller has checked that its phase is not over and that what it waits for
    /// is in its phase or an earlier one.
    pub(crate) fn add(&mut self, step: StepPlan) -> StepId {
        self.steps.push(step);
        self.steps.len() - 1
    }

    /// Takes the last step added off again.
    pub(crate) fn take_back(&mut self) {
        self.steps.pop();
    }

    /// A step came to its end. What was over already stays what it was.
    pub(crate) fn end_step(&mut self, step: StepId, outcome: Outcome, now: Instant) {
        let status = &mut self.steps[step].status;
        if let Status::Running { since, .. } = *status {
            *status = Status::Ended { outcome, elapsed: now.saturating_duration_since(since) };
        }
    }

    /// What is to be done at `now`.
    pub(crate) fn advance(&mut self, now: Instant, actions: &mut Vec<Action>) {
        if self.began.is_none() {
            return;
        }
        while self.ended.is_none() {
            let Some(phase) = self.phases.get_mut(self.current) else {
                self.ended = Some(now);
                return;
            };
            if phase.began.is_none() {
                phase.began = Some(now);
                actions.push(Action::EnterPhase(self.current));
            }
            // Reserves behind may have come in or gone since.
            let deadline = self.latest_end(self.current, now);
            self.phases[self.current].deadline = deadline;
            self.end_overdue(now, actions);
            self.start_ready(now, actions);
            if !self.steps_of_current().all(|step| self.steps[step].is_over()) {
                return;
            }
            self.phases[self.current].ended = Some(now);
            self.current += 1;
        }
    }

    /// Everything ends now: what runs is aborted, what waits is skipped.
    pub(crate) fn force(&mut self, now: Instant, actions: &mut Vec<Action>) {
        self.begin(now);
        if self.is_over() {
            return;
        }
        for (id, step) in self.steps.iter_mut().enumerate() {
            match step.status {
                Status::Running { since, .. } => {
                    actions.push(Action::Cancel(id));
                    step.status = Status::Ended {
                        outcome: Outcome::Aborted,
                        elapsed: now.saturating_duration_since(since),
                    };
                }
                Status::Waiting => step.status = SKIPPED,
                Status::Ended { .. } => {}
            }
        }
        if let Some(phase) = self.phases.get_mut(self.current)
            && phase.began.is_some()
        {
            phase.ended = Some(now);
        }
        self.ended = Some(now);
    }

    /// When [`advance`](Self::advance) has something to do at the latest, if nothing ends before.
    pub(crate) fn wake_at(&self) -> Option<Instant> {
        self.steps
            .iter()
            .filter_map(|step| match step.status {
                Status::Running { deadline, .. } => Some(deadline),
                _ => None,
            })
            .min()
    }

    fn steps_of_current(&self) -> impl Iterator<Item = StepId> + use<> {
        let ids: Vec<_> =
            (0..self.steps.len()).filter(|&id| self.steps[id].phase == self.current).collect();
        ids.into_iter()
    }

    fn end_overdue(&mut self, now: Instant, actions: &mut Vec<Action>) {
        let behind = self.reserves_behind();
        for id in self.steps_of_current() {
            let deadline_of_phase = self.deadline_before(behind[id], now);
            let step = &mut self.steps[id];
            let Status::Running { since, ref mut deadline, ref mut by_limit } = step.status else {
                continue;
            };
            // A reserve that was registered meanwhile may have brought the deadline nearer.
            if deadline_of_phase < *deadline {
                (*deadline, *by_limit) = (deadline_of_phase, false);
            }
            if *deadline <= now {
                let outcome = if *by_limit { step.at_limit.clone() } else { Outcome::TimedOut };
                step.status =
                    Status::Ended { outcome, elapsed: now.saturating_duration_since(since) };
                actions.push(Action::Cancel(id));
            }
        }
    }

    fn start_ready(&mut self, now: Instant, actions: &mut Vec<Action>) {
        // A step that is skipped lets those behind it go on, so look again until nothing changes.
        loop {
            let mut skipped = false;
            let behind = self.reserves_behind();
            for id in self.steps_of_current() {
                if self.steps[id].status != Status::Waiting || !self.is_ready(id) {
                    continue;
                }
                let by_phase = self.deadline_before(behind[id], now);
                let own = self.steps[id].limit.and_then(|limit| now.checked_add(limit));
                let (deadline, by_limit) = match own {
                    Some(own) if own <= by_phase => (own, true),
                    _ => (by_phase, false),
                };
                if by_phase <= now {
                    self.steps[id].status = SKIPPED;
                    skipped = true;
                } else {
                    self.steps[id].status = Status::Running { since: now, deadline, by_limit };
                    actions.push(Action::Start(id));
                }
            }
            if !skipped {
                return;
            }
        }
    }

    fn is_ready(&self, step: StepId) -> bool {
        self.steps[step].after.iter().all(|&before| self.steps[before].is_over())
    }
}
