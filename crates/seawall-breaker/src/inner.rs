//! What the clones of a breaker share: the shell and a clock, and who is admitted on them.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use seawall_core::{
    Class, EventKind, Health, Listeners, Name, PolicyKind, Reason, Rejection, Timeline,
};
use tokio::time::Instant;

use crate::machine::{Abandoned, Machine, Refusal, Refusing, Restored, Settings, Trigger};
use crate::permit::Settlement;
use crate::shell::{Admitted, Entry, Gate, Nothing, Shell};
use crate::time::{Nanos, nanos};
use crate::waiting::Waiters;

pub(crate) struct Inner {
    pub(crate) shell: Shell,
    timeline: Timeline,
    pub(crate) name: Name,
    /// Made when somebody first asks for it: most breakers of a set are never listened to.
    pub(crate) listeners: OnceLock<Listeners>,
    /// Made when a caller first waits for a verdict.
    pub(crate) waiters: OnceLock<Box<Waiters>>,
}

impl Inner {
    pub(crate) fn new(
        name: Name,
        settings: Arc<Settings>,
        listeners: Option<Listeners>,
        restored: Option<Restored>,
    ) -> Self {
        let listeners = listeners.map_or_else(OnceLock::new, OnceLock::from);
        let openings = restored.as_ref().map_or(0, |restored| restored.openings);
        let last = restored.as_ref().and_then(|restored| restored.wait);
        let waits = settings.wait.draw(openings, last);
        // The timeline begins where the restored state began, so that the state keeps its age.
        let now = Instant::now();
        let age = restored.as_ref().map_or(Duration::ZERO, |restored| restored.age);
        let timeline = Timeline::since(now.checked_sub(age).unwrap_or(now));
        let start = timeline.at(now);
        let machine = match restored {
            Some(restored) => Machine::restore(settings, waits, &restored, start),
            None => Machine::new(settings, waits, start),
        };
        Self { shell: Shell::new(machine), timeline, name, listeners, waiters: OnceLock::new() }
    }

    pub(crate) fn listeners(&self) -> &Listeners {
        self.listeners.get_or_init(Listeners::default)
    }

    #[inline(always)]
    pub(crate) fn admit(&self, clock: impl FnOnce() -> Instant) -> Result<Admitted, Rejection> {
        let gate = self.shell.gate();
        if gate.admits_at_once() {
            Ok(Admitted::at_once(gate))
        } else {
            self.admit_or_refuse(gate, clock())
        }
    }

    /// Not inlined, so that what is stays small: it is in every future.
    #[inline(never)]
    fn admit_or_refuse(&self, gate: Gate, at: Instant) -> Result<Admitted, Rejection> {
        let now = self.moment(at);
        self.decide(gate, at, now).map_err(|refusal| self.refuse(refusal, at, now))
    }

    /// Whether calls are refused, and nobody wants to be told.
    #[inline]
    pub(crate) fn refuses_unheard(&self, gate: Gate) -> bool {
        gate.refuses() && !self.is_heard()
    }

    /// Refuses, without telling anybody, what a circuit refuses that opened on evidence; `None` where
    /// an operator refuses, or the machine has to be asked.
    // Calls nothing, and so needs no frame.
    #[inline(always)]
    pub(crate) fn refuse_at_once(&self, at: Instant) -> Option<Rejection> {
        let now = self.timeline.glance(at)?;
        let (Refusing { since, until, evidence }, refusals) = self.shell.refuse(now)?;
        refusals.count();
        let rejection = Rejection::new(self.name.clone(), PolicyKind::Breaker, Reason::Open)
            .in_force_for_nanos(now - since)
            .retry_in_nanos(until - now);
        Some(rejection.because_packed(evidence))
    }

    #[inline]
    pub(crate) fn decide(&self, gate: Gate, at: Instant, now: Nanos) -> Result<Admitted, Refusal> {
        if gate.refuses()
            && let Some(refusal) = self.shell.refuse_anyhow(now)
        {
            return Err(refusal);
        }
        self.ask(gate, at, now)
    }

    #[inline(never)]
    fn ask(&self, gate: Gate, at: Instant, now: Nanos) -> Result<Admitted, Refusal> {
        match self.shell.admit(gate, now, self) {
            Entry::Admitted(admitted) => Ok(admitted),
            Entry::Refused(refusal) => Err(refusal),
            Entry::Shadowed(admitted, refusal) => {
                self.shell.count_refusal();
                self.emit(at, || EventKind::WouldReject(self.rejection(refusal, now)));
                Ok(admitted)
            }
        }
    }

    /// Counts a refusal, and tells of it.
    #[inline]
    pub(crate) fn refuse(&self, refusal: Refusal, at: Instant, now: Nanos) -> Rejection {
        self.shell.count_refusal();
        if self.is_heard() {
            self.tell_refusal(refusal, at, now);
        }
        self.rejection(refusal, now)
    }

    #[inline]
    pub(crate) fn rejection(&self, refusal: Refusal, now: Nanos) -> Rejection {
        let Refusal { reason, refusing: Refusing { since, until, evidence } } = refusal;
        Rejection::new(self.name.clone(), PolicyKind::Breaker, reason)
            .in_force_for_nanos(now.saturating_sub(since))
            .retry_in_nanos(until.saturating_sub(now))
            .because_packed(evidence)
    }

    #[inline]
    pub(crate) fn now(&self) -> Nanos {
        self.timeline.now()
    }

    #[inline]
    pub(crate) fn moment(&self, at: Instant) -> Nanos {
        self.timeline.at(at)
    }

    /// The instant of `moment`; now, where the clock's range ends before it.
    pub(crate) fn instant(&self, moment: Nanos) -> Instant {
        self.timeline.instant(moment).unwrap_or_else(Instant::now)
    }

    pub(crate) fn operate(&self, trigger: Trigger) {
        let now = self.now();
        self.shell.with(now, self, |machine, happened| machine.operate(trigger, now, happened));
    }

    /// Draws the waits of the next opening. Outside the lock: backoff and chance may be the user's.
    pub(crate) fn draw_waits(&self) {
        let (settings, openings, last) = self.shell.peek(|machine| {
            let last = machine.open_until().map(|(_, wait)| wait);
            (Arc::clone(machine.settings()), machine.openings(), last)
        });
        let waits = settings.wait.draw(openings, last);
        self.shell.hand_waits(waits, &settings);
    }

    /// Tells the breaker how an admitted call ended.
    pub(crate) fn settle(&self, admitted: Admitted, class: Class) -> Settlement {
        match class.health() {
            Health::Healthy => self.conclude(admitted, false, class),
            Health::Unhealthy => self.conclude(admitted, true, class),
            Health::Unknown => self.give_back(admitted, Nothing::Ignored),
        }
    }

    /// Records a success or a failure, whatever the class.
    #[inline(always)]
    pub(crate) fn conclude(&self, admitted: Admitted, failed: bool, class: Class) -> Settlement {
        // In parts: it would have to lie in memory to be handed on, also where it is not.
        let Admitted { gate, probe, began } = admitted;
        let hint = class.retry_after();
        let settlement = match admitted.plain() {
            Some(gate) if self.shell.notes_at_once(gate, failed, || self.now()) => {
                Settlement::Counted
            }
            Some(gate) => self.conclude_in_full(gate, 0, 0, failed, hint),
            None => self.conclude_in_full(gate, probe, began, failed, hint),
        };
        if settlement == Settlement::Counted {
            self.shell.count_class(class);
        }
        settlement
    }

    /// Records how a call ended that was admitted at once: it is no probe, and it is not timed.
    #[inline(always)]
    pub(crate) fn conclude_plain(&self, gate: Gate, failed: bool) {
        if !self.shell.notes_at_once(gate, failed, || self.now()) {
            self.conclude_in_full(gate, 0, 0, failed, None);
        }
    }

    #[inline(never)]
    fn conclude_in_full(
        &self,
        gate: Gate,
        probe: u32,
        began: Nanos,
        failed: bool,
        hint: Option<Duration>,
    ) -> Settlement {
        let admitted = Admitted { gate, probe, began };
        let (settled, slow) =
            self.shell.settle(admitted, failed, hint.map(nanos), self.now(), self);
        if let Some(elapsed) = slow {
            self.tell_slow(elapsed);
        }
        settled.into()
    }

    pub(crate) fn give_back(&self, admitted: Admitted, why: Nothing) -> Settlement {
        self.shell.give_back(admitted, why, || self.now(), self);
        if admitted.is_probe() {
            self.wake();
        }
        Settlement::Ignored
    }

    /// What becomes of an admission that nobody settled.
    pub(crate) fn abandon(&self, admitted: Admitted) {
        if std::thread::panicking() {
            self.conclude(admitted, true, Class::Panicked);
        } else if self.shell.peek(|machine| machine.settings().abandoned) == Abandoned::Failure {
            self.conclude(admitted, true, Class::Transient);
        } else {
            self.give_back(admitted, Nothing::Abandoned);
        }
    }
}
