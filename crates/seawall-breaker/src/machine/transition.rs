//! The steps from state to state, each as the table has it.

use seawall_core::{CircuitState, EventKind, Evidence, Transition};

use super::half_open::HalfOpen;
use super::{Happened, Hold, Machine, Phase, Trigger, table};
use crate::time::{Nanos, finite};

impl Machine {
    pub(super) fn open(
        &mut self,
        trigger: Trigger,
        evidence: Evidence,
        hint: Option<Nanos>,
        now: Nanos,
        happened: &mut Happened,
    ) {
        let wait = self.count_opening(trigger, now);
        let wait = wait.max(hint.unwrap_or(0).min(self.settings.wait.longest_hint));
        let phase = Phase::Open { until: now.saturating_add(wait) };
        let incidents = self.incidents.get_or_insert_default();
        (incidents.evidence, incidents.wait) = (Some(evidence), wait);
        self.step(trigger, phase, Some(evidence), now, happened);
    }

    /// Counts an opening. Gives the wait that was drawn for it.
    fn count_opening(&mut self, trigger: Trigger, now: Nanos) -> Nanos {
        let closed_for = now.saturating_sub(self.since);
        let forgotten =
            trigger == Trigger::Tripped && closed_for >= self.settings.wait.forget_after;
        let again = self.incidents.get_or_insert_default().count_opening(forgotten);
        if again { self.waits.next } else { self.waits.first }
    }

    pub(super) fn half_open(&mut self, now: Nanos, happened: &mut Happened) {
        let wait = self.incidents().wait;
        let phase = Phase::HalfOpen(HalfOpen::new(self.settings.probing.term, wait).into());
        self.step(Trigger::WaitOver, phase, None, now, happened);
    }

    pub(super) fn close(
        &mut self,
        trigger: Trigger,
        evidence: Option<Evidence>,
        now: Nanos,
        happened: &mut Happened,
    ) {
        self.step(trigger, Phase::Closed, evidence, now, happened);
    }

    /// Does what the operator asks. Says whether it changed the state.
    pub(crate) fn operate(
        &mut self,
        trigger: Trigger,
        now: Nanos,
        happened: &mut Happened,
    ) -> bool {
        let from = self.state();
        let Some(to) = table::next(from, trigger) else {
            return false;
        };
        self.hold = match to {
            CircuitState::ForcedOpen => Hold::Open,
            CircuitState::ForcedClosed => Hold::Closed,
            CircuitState::Shadow => Hold::Shadow,
            _ => Hold::None,
        };
        if let Some(incidents) = &mut self.incidents {
            incidents.in_a_row = 0;
        }
        self.begin(Phase::Closed, now);
        happened.push(EventKind::Transition(Transition::new(from, to, self.generation)));
        true
    }

    /// Takes the automatic step that the table has for `trigger`.
    pub(super) fn step(
        &mut self,
        trigger: Trigger,
        phase: Phase,
        evidence: Option<Evidence>,
        now: Nanos,
        happened: &mut Happened,
    ) {
        let from = self.phase.state();
        let to = table::next(from, trigger);
        debug_assert_eq!(to, Some(phase.state()), "{from} on {trigger:?}");
        let retry_after = match phase {
            Phase::Open { .. } => finite(self.incidents().wait),
            _ => None,
        };
        self.begin(phase, now);
        let transition = Transition::new(from, self.phase.state(), self.generation)
            .because(evidence)
            .retry_in(retry_after);
        happened.push(match self.hold {
            Hold::Shadow => EventKind::Shadowed(transition),
            _ => EventKind::Transition(transition),
        });
    }

    fn begin(&mut self, phase: Phase, now: Nanos) {
        if matches!(phase, Phase::Closed) {
            self.window = self.settings.window(now);
            self.run = 0;
        }
        self.phase = phase;
        self.generation += 1;
        self.since = now;
    }
}
