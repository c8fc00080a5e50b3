//! What becomes of an outcome.

use seawall_core::EventKind;

use super::{Happened, Machine, Phase, Progress, Ticket, Trigger};
use crate::time::Nanos;

/// How a call that was admitted ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
    /// How long the dependency asked to be left alone.
    pub(crate) hint: Option<Nanos>,
}

/// What was made of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Settled {
    Counted,
    Stale,
    /// The circuit is in shadow and would have refused the call.
    Unmeasured,
}

/// What counted since the breaker was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
}

impl Machine {
    /// Counts the outcome of an admitted call.
    pub(crate) fn settle(
        &mut self,
        ticket: Ticket,
        outcome: Outcome,
        now: Nanos,
        happened: &mut Happened,
    ) -> Settled {
        if ticket.probe == Ticket::UNMEASURED {
            self.incidents.get_or_insert_default().unmeasured += 1;
            return Settled::Unmeasured;
        }
        self.advance_ramp(now, happened);
        if !self.give_back(ticket, now, happened) {
            self.note_stale(ticket, outcome, now);
            happened.push(EventKind::stale(ticket.generation, self.generation));
            return Settled::Stale;
        }
        self.counted.count(outcome);
        match &mut self.phase {
            Phase::Closed | Phase::Open { .. } => self.measure(outcome, now, happened),
            Phase::HalfOpen(half_open) => {
                half_open.record(outcome.failed);
                self.heed_verdict(outcome.hint, now, happened);
            }
            Phase::Ramping(ramp) => {
                let plan = self.settings.ramp.as_deref();
                let progress =
                    plan.map_or(Progress::Over, |plan| ramp.record(outcome.failed, plan));
                self.heed_progress(progress, outcome.hint, now, happened);
            }
        }
        Settled::Counted
    }

    fn note_stale(&mut self, ticket: Ticket, outcome: Outcome, now: Nanos) {
        self.incidents.get_or_insert_default().stale += 1;
        if let Phase::HalfOpen(half_open) = &mut self.phase
            && ticket.generation == self.generation
            && !outcome.failed
        {
            half_open.succeeded_late(now.saturating_sub(ticket.began));
        }
    }

    fn measure(&mut self, outcome: Outcome, now: Nanos, happened: &mut Happened) {
        self.window.slide(now);
        self.window.push(outcome.failed, outcome.slow);
        self.run = if outcome.failed { self.run.saturating_add(1) } else { 0 };
        if !self.hold.decides() {
            return;
        }
        if let Some(evidence) = self.settings.rules.broken_by(&self.counts()) {
            self.open(Trigger::Tripped, evidence, outcome.hint, now, happened);
        }
    }

    /// Counts successes that the shell saw in this generation and that were not slow.
    pub(crate) fn add_successes(&mut self, count: u64) {
        if count > 0 {
            self.counted.successes += count;
            self.window.push_successes(count);
            self.run = 0;
        }
    }

    /// Counts a failure that the shell saw in this generation, that was not slow, and that
    /// [`ease`](Self::ease) had allowed.
    pub(crate) fn add_failure(&mut self) {
        self.counted.failures += 1;
        self.window.push(true, false);
        self.run = self.run.saturating_add(1);
    }
}

impl Counted {
    fn count(&mut self, outcome: Outcome) {
        self.successes += u64::from(!outcome.failed);
        self.failures += u64::from(outcome.failed);
        self.slow += u64::from(outcome.slow);
    }
}
