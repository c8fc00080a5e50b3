//! The handle that is shared: the shell, a clock, and the listeners.

use std::cell::Cell;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use seawall_core::{
    Check, CircuitState, Class, ConfigError, Error, Event, Health, Listeners, Name, PolicyKind,
    Reason, Rejection, Timeline, What,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::machine::{
    Abandoned, Happened, Machine, Refusal, Refusing, Restored, Settings, Trigger,
};
use crate::permit::{OwnedPermit, Permit, Settlement};
use crate::shell::{Admitted, Entry, Gate, Nothing, Report, Shell};
use crate::snapshot::Snapshot;
use crate::time::{NEVER, Nanos, nanos};
use crate::waiting::Waiters;
use crate::{BreakerBuilder, Export};

/// A circuit breaker. Clones share it.
#[derive(Clone)]
pub struct Breaker(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) shell: Shell,
    timeline: Timeline,
    name: Name,
    /// Made when somebody first asks for it: most breakers of a set are never listened to.
    listeners: OnceLock<Listeners>,
    /// Made when a caller first waits for a verdict.
    pub(crate) waiters: OnceLock<Box<Waiters>>,
    /// Ends the waiting for a verdict. Set when the breaker is built, or never.
    pub(crate) shutdown: OnceLock<CancellationToken>,
}

impl Breaker {
    /// A breaker to be configured.
    pub fn builder() -> BreakerBuilder {
        BreakerBuilder::default()
    }

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
        Self(Arc::new(Inner {
            shell: Shell::new(machine, shards()),
            timeline,
            name,
            listeners,
            waiters: OnceLock::new(),
            shutdown: OnceLock::new(),
        }))
    }

    /// Admits a call, or refuses it with the evidence.
    ///
    /// The permit must be told how the call ended; dropped without, the call counts as abandoned, or
    /// as failed if the thread is panicking.
    ///
    /// ```
    /// use seawall_breaker::Breaker;
    /// use seawall_core::Class;
    ///
    /// # fn ask() -> Result<u32, std::io::Error> { Ok(1) }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let breaker = Breaker::builder().build()?;
    /// let permit = breaker.try_acquire()?;
    /// match ask() {
    ///     Ok(_) => permit.success(),
    ///     Err(_) => permit.failure(Class::Transient),
    /// };
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn try_acquire(&self) -> Result<Permit<'_>, Rejection> {
        self.0.admit(Instant::now).map(|admitted| Permit::new(&self.0, admitted))
    }

    /// [`try_acquire`](Self::try_acquire), with a permit that can outlive this handle.
    pub fn try_acquire_owned(&self) -> Result<OwnedPermit, Rejection> {
        let admitted = self.0.admit(Instant::now)?;
        Ok(OwnedPermit::new(Arc::clone(&self.0), admitted))
    }

    /// Runs `operation` on this thread, if it is admitted. Its errors all count as failures, and so
    /// does its panic, which goes on.
    ///
    /// ```
    /// use seawall_breaker::Breaker;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let breaker = Breaker::builder().build()?;
    /// let text = breaker.call_blocking(|| std::fs::read_to_string("/proc/uptime"));
    /// # drop(text);
    /// # Ok(())
    /// # }
    /// ```
    pub fn call_blocking<T, E>(
        &self,
        operation: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, Error<E>> {
        let permit = self.try_acquire()?;
        match operation() {
            Ok(output) => {
                permit.success();
                Ok(output)
            }
            Err(error) => {
                permit.failure(Class::Transient);
                Err(Error::operation_failed(error, Class::Transient))
            }
        }
    }

    /// The name.
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// The listeners that are told of what the breaker does.
    pub fn listeners(&self) -> &Listeners {
        self.0.listeners.get_or_init(Listeners::default)
    }

    /// The state as of the last call: transitions happen when a call asks, so an open circuit whose
    /// wait is over is open until one does.
    pub fn state(&self) -> CircuitState {
        self.0.shell.gate().state()
    }

    /// Everything there is to know, at one moment.
    pub fn snapshot(&self) -> Snapshot {
        let inner = &*self.0;
        let now = inner.now();
        inner.shell.read(now, inner, |machine, tallies| Snapshot::of(machine, tallies, now))
    }

    /// What is to survive a restart: see [`BreakerBuilder::restore`].
    pub fn export(&self) -> Export {
        let inner = &*self.0;
        let now = inner.now();
        inner.shell.read(now, inner, |machine, _| Export::of(machine, now))
    }

    /// Swaps the configuration: state, counts, permits in flight and the name stay. What is wrong is
    /// refused, and the old configuration stays.
    ///
    /// A window that changes its size keeps the newest outcomes that fit. One that changes its kind
    /// keeps its counts; a count window that is too small for them keeps their share. A wait that is
    /// under way ends when it was to. The [tally](BreakerBuilder::tally) can't be changed: it is a
    /// sum from the beginning on.
    pub fn reconfigure(&self, builder: BreakerBuilder) -> Result<(), ConfigError> {
        let (_, settings) = builder.parts(self.name().clone())?;
        let inner = &*self.0;
        let tally = inner.shell.peek(|machine| machine.settings().tally);
        let check = Check::of(PolicyKind::Breaker);
        check.that(settings.tally == tally, "tally", settings.tally, "what it was built with")?;
        let settings = Arc::new(settings);
        let waits = settings.wait.draw(inner.shell.peek(Machine::openings), None);
        let now = inner.now();
        inner.shell.with(now, inner, |machine, happened| {
            machine.reconfigure(settings, waits, now, happened);
        });
        inner.wake();
        Ok(())
    }

    /// Holds the circuit open: every call is refused until the operator says otherwise.
    pub fn force_open(&self) {
        self.0.operate(Trigger::ForceOpen);
    }

    /// Holds the circuit closed: calls go through and are measured, nothing is decided, until the
    /// operator says otherwise.
    pub fn force_closed(&self) {
        self.0.operate(Trigger::ForceClosed);
    }

    /// Lets the circuit decide and report what it would have refused, but refuse nothing, until the
    /// operator says otherwise.
    ///
    /// What it would have done arrives as [`What::Shadowed`] and [`What::WouldReject`].
    pub fn shadow(&self) {
        self.0.operate(Trigger::Watch);
    }

    /// Ends what the operator ordered: the circuit is closed and its window empty. Without an order
    /// in force nothing changes.
    pub fn release(&self) {
        self.0.operate(Trigger::Release);
    }

    /// Begins anew, whatever the state: closed, with an empty window and the first open wait, and
    /// not under an operator's order. Totals are kept. Calls in flight are of an older generation.
    pub fn reset(&self) {
        self.0.operate(Trigger::Reset);
    }
}

/// As many shards as threads can run at once, up to 8: a shard costs a cache line.
fn shards() -> usize {
    static SHARDS: OnceLock<usize> = OnceLock::new();
    *SHARDS.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 8))
}

impl Inner {
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
        if let Some(rejection) = self.refuse_at_once(gate, || at) {
            return Err(rejection);
        }
        let now = self.moment(at);
        self.decide(gate, at, now).map_err(|refusal| self.refuse(refusal, at, now))
    }

    /// Refuses what an open circuit refuses; `None` where the machine has to be asked, or somebody
    /// wants to be told.
    #[inline]
    pub(crate) fn refuse_at_once(
        &self,
        gate: Gate,
        clock: impl FnOnce() -> Instant,
    ) -> Option<Rejection> {
        if gate.refuses() && !self.is_heard() {
            self.refuse_unless_over(gate, clock())
        } else {
            None
        }
    }

    /// Out of line and in one piece, so that the rejection is written where it is to be.
    #[inline(never)]
    fn refuse_unless_over(&self, gate: Gate, at: Instant) -> Option<Rejection> {
        let now = self.moment(at);
        let refusing = self.shell.refuse(gate, now)?;
        self.shell.count_refusal();
        Some(self.rejection(gate.reason(), refusing, now))
    }

    #[inline]
    pub(crate) fn decide(&self, gate: Gate, at: Instant, now: Nanos) -> Result<Admitted, Refusal> {
        if gate.refuses()
            && let Some(refusing) = self.shell.refuse(gate, now)
        {
            return Err(Refusal { reason: gate.reason(), refusing });
        }
        self.ask(gate, at, now)
    }

    #[inline(never)]
    fn ask(&self, gate: Gate, at: Instant, now: Nanos) -> Result<Admitted, Refusal> {
        match self.shell.admit(gate, now, self) {
            Entry::Admitted(admitted) => Ok(admitted),
            Entry::Refused(refusal) => Err(refusal),
            Entry::Shadowed(admitted, Refusal { reason, refusing }) => {
                self.shell.count_refusal();
                self.emit(at, || What::WouldReject(self.rejection(reason, refusing, now)));
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
        self.rejection(refusal.reason, refusal.refusing, now)
    }

    #[inline]
    fn rejection(&self, reason: Reason, refusing: Refusing, now: Nanos) -> Rejection {
        let Refusing { evidence, since, until } = refusing;
        let rejection = Rejection::new(self.name.clone(), PolicyKind::Breaker, reason)
            .in_force_for_nanos(now.saturating_sub(since))
            .retry_in_nanos(if until == NEVER { NEVER } else { until.saturating_sub(now) });
        match evidence {
            Some(evidence) => rejection.because(evidence),
            None => rejection,
        }
    }

    #[inline]
    fn is_heard(&self) -> bool {
        self.listeners.get().is_some_and(|listeners| !listeners.is_empty())
    }

    #[cold]
    #[inline(never)]
    fn tell_refusal(&self, refusal: Refusal, at: Instant, now: Nanos) {
        let Refusal { reason, refusing } = refusal;
        self.emit(at, || What::Rejected(self.rejection(reason, refusing, now)));
    }

    /// Tells the listeners of what needs no order. What a listener causes by calling a breaker
    /// while it is told is counted but not told: a listener that makes a call when one is refused
    /// would be told without end.
    pub(crate) fn emit(&self, at: Instant, what: impl FnOnce() -> What) {
        thread_local! {
            static TELLING: Cell<bool> = const { Cell::new(false) };
        }
        if !self.is_heard() || TELLING.replace(true) {
            return;
        }
        if let Some(listeners) = self.listeners.get() {
            // Listeners' panics are contained: this returns.
            listeners.emit(|| Event::new(self.name.clone(), PolicyKind::Breaker, at, what()));
        }
        TELLING.set(false);
    }

    pub(crate) fn now(&self) -> Nanos {
        self.moment(Instant::now())
    }

    #[inline]
    pub(crate) fn moment(&self, at: Instant) -> Nanos {
        self.timeline.at(at)
    }

    /// The instant of `moment`; now, where the clock's range ends before it.
    pub(crate) fn instant(&self, moment: Nanos) -> Instant {
        self.timeline.instant(moment).unwrap_or_else(Instant::now)
    }

    fn operate(&self, trigger: Trigger) {
        let now = self.now();
        self.shell.with(now, self, |machine, happened| machine.operate(trigger, now, happened));
    }

    /// Draws the waits of the next opening. Outside the lock: backoff and chance may be the user's.
    fn draw_waits(&self) {
        let (settings, openings, last) = self.shell.peek(|machine| {
            let last = machine.open_until().map(|(_, wait)| wait);
            (Arc::clone(machine.settings()), machine.openings(), last)
        });
        let waits = settings.wait.draw(openings, last);
        self.shell.hand_waits(waits);
    }

    /// Tells the breaker how an admitted call ended.
    pub(crate) fn settle(
        &self,
        admitted: Admitted,
        class: Class,
        clock: impl Fn() -> Instant,
    ) -> Settlement {
        match class.health() {
            Health::Healthy => self.succeed(admitted, clock),
            Health::Sick => self.fail(admitted, class, clock()),
            Health::Unknown => self.give_back(admitted, Nothing::Ignored),
        }
    }

    #[inline]
    pub(crate) fn succeed(&self, admitted: Admitted, clock: impl Fn() -> Instant) -> Settlement {
        let (settled, slow) = self.shell.succeed(admitted, || self.moment(clock()), self);
        if let Some(elapsed) = slow {
            self.tell_slow(elapsed);
        }
        settled.into()
    }

    pub(crate) fn fail(&self, admitted: Admitted, class: Class, at: Instant) -> Settlement {
        let hint = class.retry_after().map(nanos);
        let (settled, slow) = self.shell.fail(admitted, hint, self.moment(at), self);
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
            self.fail(admitted, Class::Panicked, Instant::now());
        } else if self.shell.peek(|machine| machine.settings().abandoned) == Abandoned::Failure {
            self.fail(admitted, Class::Transient, Instant::now());
        } else {
            self.give_back(admitted, Nothing::Abandoned);
        }
    }

    #[cold]
    #[inline(never)]
    fn tell_slow(&self, elapsed: Nanos) {
        self.emit(Instant::now(), || What::slow_call(Duration::from_nanos(elapsed)));
    }
}

impl Report for Inner {
    fn queue(&self, happened: &mut Happened, now: Nanos) {
        let Some(listeners) = self.listeners.get() else {
            happened.clear();
            return;
        };
        let at = self.instant(now);
        for what in happened.drain(..) {
            listeners.queue(|| Event::new(self.name.clone(), PolicyKind::Breaker, at, what));
        }
    }

    fn deliver(&self, opened: bool) {
        if opened {
            self.draw_waits();
        }
        self.wake();
        if let Some(listeners) = self.listeners.get() {
            listeners.deliver();
        }
    }
}

impl std::fmt::Debug for Breaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breaker")
            .field("name", &self.0.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
