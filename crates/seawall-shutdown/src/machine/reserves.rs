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

use std::time::Duration;

use tokio::time::Instant;

use super::{Machine, PhaseId};

impl Machine {
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

    /// Whether the reserves fit into the grace period, or into what is left of it at `now`.
    pub(crate) fn reserves_fit(&self, now: Option<Instant>) -> bool {
        let used = now.map_or(Duration::ZERO, |now| self.elapsed(now));
        self.reserve_after(None) <= self.grace.saturating_sub(used)
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

    /// When a step of the current phase has to be over for the sake of the phase and of the
    /// reserves behind it. Thirty years on where nothing bounds it.
    pub(super) fn deadline_before(&self, behind: Duration, now: Instant) -> Instant {
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
    pub(super) fn reserves_behind(&self) -> Vec<Duration> {
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
