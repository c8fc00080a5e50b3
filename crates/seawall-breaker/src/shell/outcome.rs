//! How a call ended.

use std::hint::spin_loop;
use std::sync::atomic::Ordering::Relaxed;

use seawall_core::Class;

use super::log::Batch;
use super::{Admitted, Gate, Report, Shell};
use crate::machine::{Outcome, Settled};
use crate::time::Nanos;

/// How often to look for a batch that is open.
const LOOKS: u32 = if cfg!(seawall_loom) { 1 } else { 64 };

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
        let batch = self.log.look();
        // Behind the log: a batch is opened with the gate that it goes with.
        self.glance() == gate
            && (!gate.slides() || clock() < self.slides_at.load(Relaxed))
            && self.note(batch, gate, failed)
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
        let slow = self.slow(admitted, now);
        if slow.is_none() && admitted.probe == 0 && self.notes_soon(admitted, failed, now) {
            return (Settled::Counted, None);
        }
        let outcome = Outcome { failed, slow: slow.is_some(), hint };
        (self.measure(admitted, outcome, now, report), slow)
    }

    /// Notes a fast outcome, if need be in the batch after this one. Who is under the lock is so for
    /// a moment; who waits for it would end the next batch for one outcome, and have others wait.
    fn notes_soon(&self, admitted: Admitted, failed: bool, now: Nanos) -> bool {
        for _ in 0..LOOKS {
            let batch = self.log.look();
            let gate = self.gate();
            let is_over = gate.generation() != admitted.generation();
            if is_over || gate.measures() || now >= self.slides_at.load(Relaxed) {
                return false;
            }
            if self.note(batch, gate, failed) {
                return true;
            }
            if batch.is_open() && self.log.look() == batch {
                return false;
            }
            spin_loop();
        }
        false
    }

    /// Notes a fast outcome of the generation of `batch`, for the machine to be told of later; not
    /// if it may decide something, or the batch is over.
    #[inline]
    fn note(&self, batch: Batch, gate: Gate, failed: bool) -> bool {
        if failed {
            return self.log.note_failure(batch);
        }
        let skipped = batch.is_open() && gate.skips_successes();
        skipped
            || batch.is_open()
                && self.counters.count_success(batch, self.pending_limit.load(Relaxed))
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
