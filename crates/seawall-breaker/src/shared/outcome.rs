//! What becomes of an admitted call.

use std::hint::spin_loop;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use seawall_core::{Class, EventKind, Health, TimedOut, TimedOutBy, is_superseded};

use super::stripes::Batched;
use super::{Admitted, Circuit, StateWord};
use crate::machine::{Abandoned, Outcome, Settled, Ticket};
use crate::permit::Settlement;
use crate::time::{Nanos, nanos};

/// How often a success looks whether the lock is free again before it waits for it.
const SPINS: u32 = if cfg!(seawall_loom) { 1 } else { 64 };

/// Why an admission had no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Uncounted {
    Abandoned,
    Ignored,
}

impl Admitted {
    pub(crate) fn generation(self) -> u64 {
        self.word.generation()
    }

    pub(crate) fn is_probe(self) -> bool {
        self.probe != 0 && self.probe != Ticket::UNMEASURED
    }

    fn ticket(self) -> Ticket {
        Ticket { generation: self.generation(), probe: self.probe }
    }
}

impl Circuit {
    /// Settles a success that changes nothing, by one read.
    #[inline]
    pub(crate) fn skips_success(&self, admitted: Admitted) -> bool {
        // The same word is of the same generation. Relaxed: nothing is read after it.
        self.word.load(Relaxed) == admitted.word.0 && admitted.word.is_quiet()
    }

    /// Records the outcome of an admitted call by its class.
    pub(crate) fn settle(&self, admitted: Admitted, class: Class) -> Settlement {
        match class.health() {
            Health::Healthy => self.record(admitted, false, class),
            Health::Unhealthy => self.record(admitted, true, class),
            Health::Unknown => self.give_back(admitted, Uncounted::Ignored, self.now()),
        }
    }

    /// Settles a call that a timeout cut off.
    pub(crate) fn time_out(
        &self,
        admitted: Admitted,
        class: Class,
        timed_out: &TimedOut,
    ) -> Settlement {
        if timed_out.by() == TimedOutBy::Deadline {
            let (now, waited) = (self.now(), nanos(timed_out.elapsed()));
            if self.with(now, |machine, _| machine.excuses(admitted.ticket(), waited, now)) {
                return self.give_back(admitted, Uncounted::Ignored, now);
            }
        }
        let settlement = self.record(admitted, true, class);
        if settlement == Settlement::Counted {
            self.stripes.count(|stripe| &stripe.timed_out);
        }
        settlement
    }

    /// Records a success or a failure, whatever the class.
    pub(crate) fn record(&self, admitted: Admitted, failed: bool, class: Class) -> Settlement {
        let settlement = if failed {
            self.record_at(admitted, failed, class.retry_after(), self.now())
        } else {
            self.succeed(admitted.word, admitted.probe, admitted.began)
        };
        if settlement == Settlement::Counted {
            self.count_class(class);
        }
        settlement
    }

    /// Records a success: without the clock and the lock, where it needs neither.
    ///
    /// Takes the parts of the admission in registers: a reference would force the admission onto the
    /// stack of callers that do not come here.
    #[inline(never)]
    pub(crate) fn succeed(&self, word: StateWord, probe: u32, began: Nanos) -> Settlement {
        let admitted = Admitted { word, probe, began };
        let batched =
            !admitted.word.timed() && self.batch(admitted, || self.now()) == Batched::Counted;
        if batched {
            Settlement::Counted
        } else {
            self.record_at(admitted, false, None, self.now())
        }
    }

    /// Records an outcome at `now`, after which the dependency asked for a pause of `hint`.
    #[inline(never)]
    pub(crate) fn record_at(
        &self,
        admitted: Admitted,
        failed: bool,
        hint: Option<Duration>,
        now: Nanos,
    ) -> Settlement {
        let elapsed = now.saturating_sub(admitted.began);
        let slow = admitted.word.timed() && elapsed >= self.slow_after.load(Relaxed);
        if !failed && !slow && self.batch_soon(admitted, now) {
            return Settlement::Counted;
        }
        let took = admitted.word.timed().then_some(elapsed);
        let outcome = Outcome { failed, slow, hint: hint.map(nanos), took };
        let settled = self.measure(admitted, outcome, now);
        if slow {
            self.report(now, || EventKind::slow_call(Duration::from_nanos(elapsed)));
        }
        settled.into()
    }

    /// Counts a success without the lock, where no number of successes opens the circuit.
    #[inline]
    fn batch(&self, admitted: Admitted, clock: impl Fn() -> Nanos) -> Batched {
        let word = self.word();
        let elsewhere = word.generation() != admitted.generation() || word.measures();
        if elsewhere || word.slides() && clock() >= self.slides_at.load(Relaxed) {
            Batched::NeedsLock
        } else if word.timed() && self.teaches(admitted, clock()) || word.skips_successes() {
            Batched::Counted
        } else {
            self.stripes.count_success(admitted.generation())
        }
    }

    /// Has the machine learn from a success, if it wants to and it is the same generation. A sample
    /// less does no harm; a success that waits for the lock does.
    fn teaches(&self, admitted: Admitted, now: Nanos) -> bool {
        if now < self.learns_at.load(Relaxed) {
            return false;
        }
        let took = admitted.word.timed().then(|| now.saturating_sub(admitted.began));
        let outcome = Outcome { failed: false, slow: false, hint: None, took };
        let settled = self.try_with(now, |machine, effects| {
            let same = machine.generation() == admitted.generation();
            same.then(|| machine.settle(admitted.ticket(), outcome, now, effects))
        });
        settled.flatten().is_some()
    }

    /// [`batch`](Self::batch), which waits for a moment while another thread holds the lock. A thread
    /// that queues for the lock would close the stripes again for one success.
    fn batch_soon(&self, admitted: Admitted, now: Nanos) -> bool {
        for _ in 0..SPINS {
            match self.batch(admitted, || now) {
                Batched::Counted => return true,
                Batched::NeedsLock => return false,
                Batched::Closed => spin_loop(),
            }
        }
        false
    }

    /// Has the machine count an outcome.
    fn measure(&self, admitted: Admitted, outcome: Outcome, now: Nanos) -> Settled {
        let (settled, question) = self.with(now, |machine, effects| {
            let settled = machine.settle(admitted.ticket(), outcome, now, effects);
            (settled, machine.question(outcome))
        });
        // The predicate is the user's code and is called without the lock.
        if let Some(question) = question
            && question.holds()
        {
            self.with(now, |machine, effects| machine.predicate_held(&question, now, effects));
        }
        settled
    }

    /// Counts an outcome by its class, where that says more than whether it failed.
    fn count_class(&self, class: Class) {
        match class {
            Class::Permanent => self.stripes.count(|stripe| &stripe.permanent),
            Class::Overloaded { .. } => self.stripes.count(|stripe| &stripe.overloaded),
            Class::Panicked => self.stripes.count(|stripe| &stripe.panicked),
            _ => {}
        }
    }

    /// Gives an admission back that had no outcome.
    pub(crate) fn give_back(&self, admitted: Admitted, why: Uncounted, now: Nanos) -> Settlement {
        self.stripes.count(match why {
            Uncounted::Abandoned => |stripe| &stripe.abandoned,
            Uncounted::Ignored => |stripe| &stripe.ignored,
        });
        if admitted.probe != 0 {
            self.with(now, |machine, effects| machine.give_back(admitted.ticket(), now, effects));
            self.wake();
        }
        Settlement::Ignored
    }

    /// Ends an admission that was dropped without an outcome.
    #[cold]
    pub(crate) fn abandon(&self, admitted: Admitted) {
        if std::thread::panicking() {
            self.record(admitted, true, Class::Panicked);
        } else if !is_superseded()
            && self.peek(|machine| machine.settings().abandoned) == Abandoned::Failure
        {
            self.record(admitted, true, Class::Transient);
        } else {
            self.give_back(admitted, Uncounted::Abandoned, self.now());
        }
    }
}
