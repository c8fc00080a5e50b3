//! Which calls are admitted, and what a refusal says.

use std::sync::atomic::Ordering::{Acquire, Relaxed};

use seawall_core::{CircuitState, Counted, EventKind, Rejection};
use tokio::time::Instant;

use super::{Admitted, Circuit, RefusalCache, StateWord};
use crate::machine::{Admission, Refusal, RefusalTerms, Ticket};
use crate::time::Nanos;
use seawall_core::sync::fence;

impl Circuit {
    /// Admits a call under a closed circuit that neither times nor counts calls, by one read.
    /// `None` decides nothing: [`admit`](Self::admit) does.
    #[inline]
    pub(crate) fn try_admit(&self) -> Option<Admitted> {
        // Relaxed: nothing is read after it, and the outcome reads the word again.
        let word = StateWord(self.word.load(Relaxed));
        word.admits_at_once().then_some(Admitted { word, probe: 0, began: 0 })
    }

    /// Admits or refuses a call. A refusal is not counted or reported yet: see
    /// [`refuse`](Self::refuse).
    pub(crate) fn admit(&self, now: Nanos) -> Result<Admitted, Refusal> {
        let word = self.word();
        if word.admits() {
            return Ok(self.count_admission(Admitted { word, probe: 0, began: now }));
        }
        if word.refuses()
            && let Some(refusal) = self.cached_refusal(now)
        {
            return Err(refusal);
        }
        self.ask(now)
    }

    /// Has the machine decide.
    #[cold]
    fn ask(&self, now: Nanos) -> Result<Admitted, Refusal> {
        let (admission, word) = self.with(now, |machine, effects| {
            let inside_probe = self.mark(machine.generation()).is_around();
            let admission = match machine.state() {
                CircuitState::HalfOpen if inside_probe => machine.admit_inside_probe(),
                _ => machine.admit(now, effects),
            };
            (admission, StateWord::of(machine, machine.recording()))
        });
        let admitted = |ticket: Ticket| {
            self.count_admission(Admitted { word, probe: ticket.probe, began: now })
        };
        match admission {
            Admission::Admitted(ticket) => Ok(admitted(ticket)),
            Admission::Refused(refusal) => Err(refusal),
            Admission::Shadowed(ticket, refusal) => {
                self.refusals().count(refusal.reason);
                self.reporter.count(Counted::WouldRefuse(refusal.reason));
                self.report(now, || EventKind::WouldReject(self.rejection(refusal, now)));
                Ok(admitted(ticket))
            }
        }
    }

    /// Admits a call whatever the state.
    pub(crate) fn admit_regardless(&self, now: Nanos) -> Admitted {
        let (ticket, word) = self.with(now, |machine, effects| {
            let ticket = machine.admit_regardless(now, effects);
            (ticket, StateWord::of(machine, machine.recording()))
        });
        self.count_admission(Admitted { word, probe: ticket.probe, began: now })
    }

    fn count_admission(&self, admitted: Admitted) -> Admitted {
        if admitted.word.tallies() {
            self.stripes.count(|stripe| &stripe.admitted);
        }
        admitted
    }

    /// Refuses a call without the lock, where an open circuit does. `None` where the wait is over or
    /// the state is changing. Reads the clock only where the circuit is open.
    #[expect(clippy::inline_always, reason = "as the policy's method of this name")]
    #[inline(always)]
    pub(crate) fn try_refuse(&self, clock: impl FnOnce() -> Instant) -> Option<Rejection> {
        let cache = self.refusals.get()?;
        let now = self.timeline.at(clock());
        let refusal = self.read_refusal(cache, now)?;
        cache.count(refusal.reason);
        Some(self.reported(refusal, now))
    }

    pub(crate) fn cached_refusal(&self, now: Nanos) -> Option<Refusal> {
        self.read_refusal(self.refusals.get()?, now)
    }

    #[inline]
    fn read_refusal(&self, cache: &RefusalCache, now: Nanos) -> Option<Refusal> {
        let (word, terms) = cache.read(now)?;
        // The cache was read before the word is read again. A writer changes the word before it
        // changes the cache (see `publish`), so a word that is the same says that the terms were too.
        fence(Acquire);
        let same = self.word.load(Relaxed) == word.0;
        same.then(|| Refusal { reason: word.reason(), terms })
    }

    /// Admits a call, or counts and reports its refusal.
    pub(crate) fn admit_or_refuse(&self, now: Nanos) -> Result<Admitted, Rejection> {
        self.admit(now).map_err(|refusal| self.refuse(refusal, now))
    }

    /// Counts a refusal and reports it.
    pub(crate) fn refuse(&self, refusal: Refusal, now: Nanos) -> Rejection {
        self.refusals().count(refusal.reason);
        self.reported(refusal, now)
    }

    #[inline]
    fn reported(&self, refusal: Refusal, now: Nanos) -> Rejection {
        if self.reporter.is_heard() {
            self.report_refusal(refusal, now);
        }
        self.rejection(refusal, now)
    }

    /// Makes a rejection of its own: passing a reference would force the caller's into memory.
    #[cold]
    fn report_refusal(&self, refusal: Refusal, now: Nanos) {
        self.report(now, || EventKind::Rejected(self.rejection(refusal, now)));
    }

    #[inline]
    fn rejection(&self, refusal: Refusal, now: Nanos) -> Rejection {
        let Refusal { reason, terms: RefusalTerms { since, until, evidence } } = refusal;
        self.reporter
            .rejection(reason)
            .in_force_for_nanos(now.saturating_sub(since))
            .retry_in_nanos(until.saturating_sub(now))
            .because_packed(evidence)
    }
}
