//! What is counted and remembered of a circuit beyond its current state.

use seawall_core::{CircuitState, Evidence};

use super::table::{Trigger, Verdict};
use super::{Machine, Outcome};
use crate::time::Nanos;

/// The outcomes that counted since the breaker was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) successes: u64,
    pub(super) failures: u64,
    pub(super) slow: u64,
    /// The successes before the last failure.
    before_failure: u64,
}

/// What a circuit that did more than stay closed remembers. In a box that is made when the first of
/// it happens.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Incidents {
    /// Why it opened last.
    pub(super) evidence: Option<Evidence>,
    /// How long the open state refuses in all.
    pub(super) wait: Nanos,
    /// Openings since it was last closed for long enough.
    pub(super) in_a_row: u32,
    pub(super) openings: u64,
    pub(super) reopenings: u64,
    pub(super) stale: u64,
    pub(super) unmeasured: u64,
    pub(super) expired: u64,
    /// The time spent in each state before the current one, in the order of
    /// [`CircuitState::ALL`].
    pub(super) spent: [Nanos; CircuitState::ALL.len()],
    /// The part of it in the open state that had passed its wait: no call came to probe.
    pub(super) due: Nanos,
}

/// What was counted since the breaker was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
    pub(crate) stale: u64,
    pub(crate) unmeasured: u64,
    pub(crate) expired: u64,
    pub(crate) openings: u64,
    pub(crate) reopenings: u64,
}

impl Counted {
    pub(super) fn count(&mut self, outcome: Outcome) {
        self.successes += u64::from(!outcome.failed);
        self.failures += u64::from(outcome.failed);
        if outcome.failed {
            self.before_failure = self.successes;
        }
        self.slow += u64::from(outcome.slow);
    }
}

impl Machine {
    pub(super) fn incidents(&self) -> Incidents {
        self.incidents.as_deref().copied().unwrap_or_default()
    }

    pub(super) fn incidents_mut(&mut self) -> &mut Incidents {
        self.incidents.get_or_insert_default()
    }

    /// Counts an opening and chooses its wait: the one that was drawn for it, or the dependency's
    /// hint if that is longer.
    pub(super) fn count_opening(&mut self, verdict: Verdict, hint: Option<Nanos>, now: Nanos) {
        let (drawn, settings) = (self.waits, &self.settings.wait);
        let hint = hint.unwrap_or(0).min(settings.max_retry_after);
        let was_closed = verdict.trigger == Trigger::Tripped;
        let forgotten = was_closed && now.saturating_sub(self.since) >= settings.forget_after;
        let incidents = self.incidents_mut();
        if forgotten {
            incidents.in_a_row = 0;
        }
        let again = incidents.in_a_row > 0;
        incidents.in_a_row = incidents.in_a_row.saturating_add(1);
        incidents.openings += 1;
        incidents.reopenings += u64::from(again);
        incidents.evidence = verdict.evidence;
        incidents.wait = hint.max(if again { drawn.next } else { drawn.first });
    }

    /// Adds the time in the current state, which ends now.
    pub(super) fn end_state(&mut self, now: Nanos) {
        let (state, time) = (self.state(), now.saturating_sub(self.since));
        let due = self.due_since(now);
        let incidents = self.incidents_mut();
        incidents.due = incidents.due.saturating_add(due);
        for (spent, it) in incidents.spent.iter_mut().zip(CircuitState::ALL) {
            if it == state {
                *spent = spent.saturating_add(time);
            }
        }
    }

    /// How long the open state has been in force after its wait was over.
    fn due_since(&self, now: Nanos) -> Nanos {
        let until = self.open_until().map_or(now, |(until, _)| until.max(self.since));
        now.saturating_sub(until)
    }

    /// The time that the circuit was open after its wait was over.
    pub(crate) fn due_time(&self, now: Nanos) -> Nanos {
        self.incidents().due.saturating_add(self.due_since(now))
    }

    /// The time spent in each state, in the order of [`CircuitState::ALL`].
    pub(crate) fn spent(&self, now: Nanos) -> [Nanos; CircuitState::ALL.len()] {
        let mut all = self.incidents().spent;
        for (spent, it) in all.iter_mut().zip(CircuitState::ALL) {
            if it == self.state() {
                *spent = spent.saturating_add(now.saturating_sub(self.since));
            }
        }
        all
    }

    /// Makes the next opening count as the first.
    pub(super) fn forget_openings(&mut self) {
        if let Some(incidents) = &mut self.incidents {
            incidents.in_a_row = 0;
        }
    }

    /// Successes since the last failure, as far as they are counted.
    pub(crate) fn successes_in_a_row(&self) -> u64 {
        self.counted.successes - self.counted.before_failure
    }

    pub(crate) fn totals(&self) -> Totals {
        let Counted { successes, failures, slow, .. } = self.counted;
        let Incidents { stale, unmeasured, expired, openings, reopenings, .. } = self.incidents();
        Totals { successes, failures, slow, stale, unmeasured, expired, openings, reopenings }
    }
}
