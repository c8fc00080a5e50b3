//! How a call ended.

use std::sync::atomic::Ordering::Relaxed;

use seawall_core::Class;

use super::{Admitted, Gate, Report, Shell};
use crate::machine::{Outcome, Settled};
use crate::time::Nanos;

/// Why an admission came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Nothing {
    Abandoned,
    Ignored,
}

/// What was made of an outcome, and how long the call took if it was slow.
pub(crate) type SettledIn = (Settled, Option<Nanos>);

impl Shell {
    /// Settles a success without touching anything, where it changes nothing.
    #[inline]
    pub(crate) fn succeeds_at_once(&self, admitted: Admitted) -> bool {
        // A gate that is the same is of the same generation. Relaxed: nothing is read behind it.
        self.gate.load(Relaxed) == admitted.gate.0 && admitted.gate.is_quiet()
    }

    /// Settles an outcome of a [plain](Admitted::plain) admission, where noting it is all there is
    /// to it. Reads the clock only where time matters.
    #[inline]
    pub(crate) fn notes_at_once(
        &self,
        gate: Gate,
        failed: bool,
        clock: impl FnOnce() -> Nanos,
    ) -> bool {
        self.gate() == gate
            && (!gate.slides() || clock() < self.slides_at.load(Relaxed))
            && self.note(gate, failed)
    }

    /// Settles an outcome, after which the dependency asked for a pause of `hint`.
    pub(crate) fn settle(
        &self,
        admitted: Admitted,
        failed: bool,
        hint: Option<Nanos>,
        now: Nanos,
        report: &impl Report,
    ) -> SettledIn {
        let gate = self.gate();
        let slow = self.slow(admitted, now);
        let fast_and_counts = slow.is_none()
            && now < self.slides_at.load(Relaxed)
            && gate.generation() == admitted.generation()
            && admitted.probe == 0;
        if fast_and_counts && self.note(gate, failed) {
            return (Settled::Counted, None);
        }
        let outcome = Outcome { failed, slow: slow.is_some(), hint };
        (self.measure(admitted, outcome, now, report), slow)
    }

    /// Notes a fast outcome for the machine to be told of later; not if it may decide something, or
    /// the generation of `gate` is over. Then the log is closed, or another's.
    #[inline]
    fn note(&self, gate: Gate, failed: bool) -> bool {
        let generation = gate.generation();
        // A success has no place among others until there is a failure that it came after.
        if !failed && self.log.is_empty(generation) {
            let limit = self.pending_limit.load(Relaxed);
            gate.skips_successes() || self.counters.count_success(generation, limit)
        } else {
            self.log.note(generation, failed)
        }
    }

    /// Has the machine measure an outcome.
    fn measure(
        &self,
        admitted: Admitted,
        outcome: Outcome,
        now: Nanos,
        report: &impl Report,
    ) -> Settled {
        let (settled, question) = self.with(now, report, |machine, happened| {
            let settled = machine.settle(admitted.ticket(), outcome, now, happened);
            (settled, machine.question(outcome))
        });
        // The predicate is the user's code: it is asked without the lock.
        if let Some(question) = question
            && question.holds()
        {
            self.with(now, report, |machine, happened| {
                machine.predicate_held(&question, now, happened);
            });
        }
        settled
    }

    /// How long a call took that was slow.
    #[inline]
    fn slow(&self, admitted: Admitted, now: Nanos) -> Option<Nanos> {
        let elapsed = now.saturating_sub(admitted.began);
        let slow = admitted.gate.timed() && elapsed >= self.slow_after.load(Relaxed);
        slow.then_some(elapsed)
    }

    /// Counts an outcome by its class, where that says more than whether it failed.
    #[inline(always)]
    pub(crate) fn count_class(&self, class: Class) {
        if !matches!(class, Class::Success | Class::Transient) {
            self.count_rare_class(class);
        }
    }

    #[inline(never)]
    fn count_rare_class(&self, class: Class) {
        match class {
            Class::Permanent => self.counters.count(|line| &line.permanent),
            Class::Overloaded { .. } => self.counters.count(|line| &line.overloaded),
            Class::Panicked => self.counters.count(|line| &line.panicked),
            _ => {}
        }
    }

    /// Gives an admission back that came to nothing.
    pub(crate) fn give_back(
        &self,
        admitted: Admitted,
        why: Nothing,
        clock: impl FnOnce() -> Nanos,
        report: &impl Report,
    ) {
        match why {
            Nothing::Abandoned => self.counters.count(|line| &line.abandoned),
            Nothing::Ignored => self.counters.count(|line| &line.ignored),
        }
        if admitted.probe != 0 {
            let now = clock();
            self.with(now, report, |machine, happened| {
                machine.give_back(admitted.ticket(), now, happened)
            });
        }
    }
}
