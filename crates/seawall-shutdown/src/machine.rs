//! The pure decision: which phase it is, which steps may start, which have run out of time.
//!
//! No clock, no task, no lock: `now` comes in, [`Action`]s go out.
//!
//! # How time is shared out
//!
//! With `T` the moment of the trigger and `G` the grace period, a phase may last until
//!
//! ```text
//! min(its beginning + its own limit, T + G − the reserves of all phases after it)
//! ```
//!
//! so each phase finds its own reserve untouched, whatever the phases before it did. Within a
//! phase a step may last until `min(its beginning + its own limit, end of phase − the longest
//! chain of reserves behind it)`. A phase's reserve is the longest chain of its steps' reserves,
//! or its own if that is longer.

use std::time::Duration;

use tokio::time::Instant;

use crate::Outcome;

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
pub(crate) struct PhasePlan {
    pub(crate) name: String,
    pub(crate) limit: Option<Duration>,
    pub(crate) reserve: Duration,
    /// So many hundredths of what fixed reserves leave of the grace period; zero for none.
    pub(crate) percent: u32,
    pub(crate) began: Option<Instant>,
    pub(crate) ended: Option<Instant>,
    deadline: Option<Instant>,
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

#[derive(Debug)]
pub(crate) struct Machine {
    grace: Duration,
    pub(crate) phases: Vec<PhasePlan>,
    pub(crate) steps: Vec<StepPlan>,
    current: PhaseId,
    began: Option<Instant>,
    ended: Option<Instant>,
}

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

    fn is_over(&self) -> bool {
        matches!(self.status, Status::Ended { .. })
    }
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

    /// The end of the grace period: `None` before the trigger and where it is too far away for
    /// the clock to say.
    pub(crate) fn end_of_grace(&self) -> Option<Instant> {
        self.began?.checked_add(self.grace)
    }

    /// The grace period cannot be longer than `left` from `now` on.
    pub(crate) fn shorten(&mut self, now: Instant, left: Duration) {
        let began = *self.began.get_or_insert(now);
        let latest = now.saturating_duration_since(began).saturating_add(left);
        if latest < self.grace {
            self.grace = latest;
            self.share_out();
        }
    }

    /// Shares out what fixed reserves leave of the grace period to the phases that want a share.
    pub(crate) fn share_out(&mut self) {
        let fixed = self.phases.iter().filter(|phase| phase.percent == 0);
        let fixed = fixed
            .map(|phase| phase.reserve)
            .chain(self.steps.iter().map(|step| step.reserve))
            .fold(Duration::ZERO, Duration::saturating_add);
        let free = self.grace.saturating_sub(fixed);
        for phase in self.phases.iter_mut().filter(|phase| phase.percent > 0) {
            phase.reserve = share(free, phase.percent);
        }
    }

    pub(crate) fn phase_is_over(&self, phase: PhaseId) -> bool {
        self.is_over() || phase < self.current
    }

    /// Whether the reserves fit into the grace period, or into what is left of it at `now`.
    pub(crate) fn reserves_fit(&self, now: Option<Instant>) -> bool {
        let used = now.map_or(Duration::ZERO, |now| self.elapsed(now));
        self.reserve_after(None) <= self.grace.saturating_sub(used)
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

    /// When `phase` has to be over at the latest, if it began `now` or has begun.
    pub(crate) fn latest_end(&self, phase: PhaseId, now: Instant) -> Option<Instant> {
        let plan = &self.phases[phase];
        let own = plan.limit.and_then(|limit| plan.began.unwrap_or(now).checked_add(limit));
        let shared = self.end_of_grace().map(|end| before(end, self.reserve_after(Some(phase))));
        match (own, shared) {
            (Some(own), Some(shared)) => Some(own.min(shared)),
            (one, other) => one.or(other),
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

    /// When a step of the current phase has to be over for the sake of the phase and of the
    /// reserves behind it. Thirty years on where nothing bounds it.
    fn deadline_before(&self, behind: Duration, now: Instant) -> Instant {
        match self.phases[self.current].deadline {
            Some(deadline) => before(deadline, behind),
            None => now + FAR,
        }
    }

    /// The reserves of the phases after `phase`, or of all that are not over.
    fn reserve_after(&self, phase: Option<PhaseId>) -> Duration {
        let first = phase.map_or(self.current, |phase| phase + 1);
        let behind = self.reserves_behind();
        (first..self.phases.len())
            .fold(Duration::ZERO, |sum, phase| sum.saturating_add(self.reserve_of(phase, &behind)))
    }

    fn reserve_of(&self, phase: PhaseId, behind: &[Duration]) -> Duration {
        (0..self.steps.len())
            .filter(|&id| self.steps[id].phase == phase && !self.steps[id].is_over())
            .map(|id| self.steps[id].reserve.saturating_add(behind[id]))
            .fold(self.phases[phase].reserve, Duration::max)
    }

    /// For each step the longest chain of reserves among the steps that wait for it in its phase.
    fn reserves_behind(&self) -> Vec<Duration> {
        let mut behind = vec![Duration::ZERO; self.steps.len()];
        // A step comes after steps that were there before it, so backwards everything behind a
        // step is known when its turn comes.
        for (id, step) in self.steps.iter().enumerate().rev() {
            if step.is_over() {
                continue;
            }
            let chain = step.reserve.saturating_add(behind[id]);
            for &before in &step.after {
                if self.steps[before].phase == step.phase {
                    behind[before] = behind[before].max(chain);
                }
            }
        }
        behind
    }
}

const SKIPPED: Status = Status::Ended { outcome: Outcome::Skipped, elapsed: Duration::ZERO };

/// Thirty years, which is what tokio's own timers take "never" for.
const FAR: Duration = Duration::from_hours(30 * 365 * 24);

/// So many hundredths of `whole`.
pub(crate) fn share(whole: Duration, percent: u32) -> Duration {
    // Divided first: `Duration::MAX` times anything overflows.
    (whole / 100).saturating_mul(percent)
}

fn before(end: Instant, reserve: Duration) -> Instant {
    // A reserve longer than the clock is old cannot be subtracted; `reserves_fit` keeps it out.
    end.checked_sub(reserve).unwrap_or(end)
}
