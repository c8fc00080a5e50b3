//! How time is shared out.
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
//!
//! A phase whose reserve is a percentage gets that part of what fixed reserves leave of the time
//! that is left when a step is registered. So a share can always be granted, and only a fixed
//! reserve can be refused.

use std::mem;
use std::time::Duration;

use tokio::time::Instant;

use super::plans::{PhasePlan, Reserve};
use super::{Machine, PhaseId, Status, StepId, StepPlan};

/// The reserves would be longer than the time that is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReserveTooLong;

impl Machine {
    /// Adds a step at `now`. The caller has checked that its phase is not over and that the steps
    /// it comes after are in its phase or an earlier one.
    pub(crate) fn register(
        &mut self,
        step: StepPlan,
        now: Instant,
    ) -> Result<StepId, ReserveTooLong> {
        let phase = &self.phases[step.phase];
        let changes_reserves = step.reserve > Duration::ZERO || phase.steps.is_empty();
        let id = self.add(step);
        if changes_reserves && self.share_out(now).is_err() {
            self.take_back();
            self.measure();
            return Err(ReserveTooLong);
        }
        Ok(id)
    }

    /// Shares out the time that is left at `now`, if there is enough for what is reserved.
    pub(crate) fn share_out(&mut self, now: Instant) -> Result<(), ReserveTooLong> {
        self.measure();
        let left = self.grace.saturating_sub(self.elapsed(now));
        let to_come = self.phases[self.current.min(self.phases.len())..].iter();
        let fixed = to_come.map(PhasePlan::fixed).fold(Duration::ZERO, Duration::saturating_add);
        let free = left.checked_sub(fixed).ok_or(ReserveTooLong)?;
        self.grant_shares_of(free);
        Ok(())
    }

    /// The grace period, which has begun, can't be longer than `left` from `now` on.
    pub(crate) fn shorten(&mut self, now: Instant, left: Duration) {
        let Some(began) = self.began else { return };
        let latest = now.saturating_duration_since(began).saturating_add(left);
        if latest < self.grace {
            self.grace = latest;
            if self.share_out(now).is_err() {
                // Less is left than is reserved: the last phases get their reserves first.
                self.grant_shares_of(Duration::ZERO);
            }
        }
    }

    fn grant_shares_of(&mut self, free: Duration) {
        for phase in &mut self.phases {
            phase.share = match phase.reserve {
                Reserve::Percent(percent) if !phase.steps.is_empty() => share(free, percent),
                Reserve::Percent(_) | Reserve::Fixed(_) => Duration::ZERO,
            };
        }
        self.tighten();
    }

    /// When `phase` has to be over at the latest, if it began `now` or has begun. `None` if nothing
    /// bounds it.
    pub(crate) fn latest_end(&self, phase: PhaseId, now: Instant) -> Option<Instant> {
        let own = self.phases[phase].own_end(now);
        let reserved = self.phases[phase + 1..]
            .iter()
            .map(|later| later.fixed().max(later.share))
            .fold(Duration::ZERO, Duration::saturating_add);
        let end_of_grace = self.began.and_then(|began| began.checked_add(self.grace));
        let shared = end_of_grace.map(|end| before(end, reserved));
        own.into_iter().chain(shared).min()
    }

    /// When a step of the current phase with these reserves behind it has to be over. Thirty years
    /// on where nothing bounds it.
    pub(super) fn deadline_before(&self, behind: Duration, now: Instant) -> Instant {
        match self.phases[self.current].deadline {
            Some(deadline) => before(deadline, behind),
            None => now + FAR,
        }
    }

    /// Finds the longest chains of reserves, from each step and in each phase.
    fn measure(&mut self) {
        for phase in &mut self.phases {
            phase.chain = Duration::ZERO;
        }
        // A step comes after steps that were there before it, so backwards everything behind a
        // step is known when its turn comes.
        for id in (0..self.steps.len()).rev() {
            let step = &self.steps[id];
            if step.is_over() {
                continue;
            }
            let in_phase = step.dependents.iter().map(|&dependent| &self.steps[dependent]);
            let in_phase = in_phase.filter(|dependent| dependent.phase == step.phase);
            let behind = in_phase.map(StepPlan::chain).max().unwrap_or_default();
            let step = &mut self.steps[id];
            step.behind = behind;
            let chain = &mut self.phases[step.phase].chain;
            *chain = step.chain().max(*chain);
        }
    }

    /// Reserves may have grown while a phase runs: brings the deadlines of its steps nearer.
    fn tighten(&mut self) {
        let Some(began) = self.phases.get(self.current).and_then(|phase| phase.began) else {
            return;
        };
        self.phases[self.current].deadline = self.latest_end(self.current, began);
        for (_, id) in mem::take(&mut self.deadlines) {
            let latest = self.deadline_before(self.steps[id].behind, began);
            if let Status::Running { deadline, by_limit, .. } = &mut self.steps[id].status {
                if latest < *deadline {
                    (*deadline, *by_limit) = (latest, false);
                }
                self.deadlines.insert((*deadline, id));
            }
        }
    }
}

/// Thirty years, which is what tokio's own timers use for "never".
const FAR: Duration = Duration::from_hours(30 * 365 * 24);

/// This many hundredths of `whole`.
pub(crate) fn share(whole: Duration, percent: u32) -> Duration {
    // Divided first: `Duration::MAX` times anything overflows.
    (whole / 100).saturating_mul(percent)
}

fn before(end: Instant, reserve: Duration) -> Instant {
    // Only a reserve that is longer than the clock is old can't be subtracted, and `share_out`
    // refuses those.
    end.checked_sub(reserve).unwrap_or(end)
}
