//! The handle, and the breaker as a policy.

use std::sync::Arc;

use seawall_core::{
    Admission, Admit, Admitted, Attempt, Check, CircuitState, ConfigError, Description, Error,
    Guarded, Inspect, Listeners, Name, Policy, PolicyKind, Rejection, Reporter, block_on,
};

use crate::machine::{Abandoned, Machine, Restored, Settings, Trigger};
use crate::permit::{OwnedPermit, Permit};
use crate::shared::{self, Circuit};
use crate::snapshot::Snapshot;
use crate::waiting::WaitForVerdict;
use crate::{BreakerBuilder, Export};

/// A circuit breaker. Clones share it.
#[derive(Clone)]
pub struct Breaker(pub(crate) Circuit);

impl Breaker {
    /// A builder with the default settings.
    pub fn builder() -> BreakerBuilder {
        BreakerBuilder::default()
    }

    pub(crate) fn of(
        reporter: Reporter,
        settings: Arc<Settings>,
        restored: Option<&Restored>,
    ) -> Self {
        Self(Circuit::new(reporter, settings, restored))
    }

    /// Admits a call, or refuses it with the evidence.
    ///
    /// Settle the permit when the call has ended. A permit that is dropped instead counts as an
    /// abandoned call, or as a failed one if the thread is panicking.
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
        self.acquire().map(|admitted| Permit::new(&self.0, admitted))
    }

    /// [`try_acquire`](Self::try_acquire), with a permit that can outlive this handle.
    pub fn try_acquire_owned(&self) -> Result<OwnedPermit, Rejection> {
        let admitted = self.acquire()?;
        Ok(OwnedPermit::new(self.0.clone(), admitted))
    }

    /// Admits a call in spite of an open circuit: a load balancer that has no healthy backend left
    /// sends its calls all the same.
    ///
    /// Where the circuit would refuse the call, its outcome is counted in the totals and decides
    /// nothing: an open circuit does not close by it, and a half-open one counts its own probes. A
    /// call that the circuit admits is like any other, a probe included. Takes the lock unless the
    /// circuit is closed.
    pub fn acquire_regardless(&self) -> Permit<'_> {
        Permit::new(&self.0, self.admit_regardless())
    }

    /// [`acquire_regardless`](Self::acquire_regardless), with a permit that can outlive this handle.
    pub fn acquire_regardless_owned(&self) -> OwnedPermit {
        OwnedPermit::new(self.0.clone(), self.admit_regardless())
    }

    fn admit_regardless(&self) -> shared::Admitted {
        self.0.try_admit().unwrap_or_else(|| self.0.admit_regardless(self.0.now()))
    }

    #[inline]
    fn acquire(&self) -> Result<shared::Admitted, Rejection> {
        self.0.try_admit().map_or_else(|| self.0.admit_or_refuse(self.0.now()), Ok)
    }

    /// Runs `operation` on this thread, if it is admitted. All its errors count as failures. So does
    /// its panic, which is resumed.
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
        block_on(self.call(async move { operation() }))
    }

    /// Guards `future`. All its errors count as failures of the dependency.
    ///
    /// To distinguish outcomes, use the breaker in a pipeline with a classifier, or with
    /// [one of its own](seawall_core::PolicyExt::classify).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future at any point gives its admission back.
    ///
    /// ```
    /// use seawall_breaker::Breaker;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let breaker = Breaker::builder().build()?;
    /// let answer = breaker.call(async { Ok::<_, std::io::Error>(42) }).await?;
    /// assert_eq!(answer, 42);
    /// # Ok(())
    /// # }
    /// ```
    #[inline]
    pub fn call<Fut, T, E>(&self, future: Fut) -> Guarded<'_, Self, Fut>
    where
        Fut: Future<Output = Result<T, E>>,
    {
        Guarded::new(self, future)
    }

    pub(crate) fn text(&self) -> String {
        self.0.peek(|machine| machine.settings().to_string())
    }

    /// The name.
    pub fn name(&self) -> &Name {
        self.0.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.0.reporter.listeners()
    }

    /// The state after the last call. Transitions happen when a call asks, so an open circuit whose
    /// wait is over stays open until one does; [`Snapshot::due`] shows that.
    pub fn state(&self) -> CircuitState {
        self.0.word().state()
    }

    /// Everything that is known about the breaker, at one moment.
    pub fn snapshot(&self) -> Snapshot {
        let inner = &self.0;
        let now = inner.now();
        inner.read(now, |machine, tallies| Snapshot::of(machine, tallies, now))
    }

    /// The state that survives a restart: see [`BreakerBuilder::restore`].
    pub fn export(&self) -> Export {
        let inner = &self.0;
        let now = inner.now();
        inner.read(now, |machine, _| Export::of(machine, now))
    }

    /// Replaces the configuration. State, counts, permits in flight and the name stay. If `builder` has
    /// a wrong setting, the old configuration stays.
    ///
    /// A window that changes its size keeps the newest outcomes that fit. A window that changes its
    /// kind keeps its counts; a count window that is too small for them keeps their share. The current
    /// open wait ends as planned, and callers that wait for a verdict keep their old time limit. The
    /// [tally](BreakerBuilder::tally) can't be changed, as it is a sum over the breaker's whole life.
    /// A name or an export in `builder` is ignored.
    ///
    /// # Errors
    ///
    /// Names the wrong field and its allowed range.
    pub fn reconfigure(&self, builder: BreakerBuilder) -> Result<(), ConfigError> {
        let settings = builder.settings().map_err(|error| error.of(self.name()))?;
        let tally = self.0.peek(|machine| machine.settings().tally);
        let check = Check::of(PolicyKind::Breaker);
        check
            .that(settings.tally == tally, "tally", settings.tally, "what it was built with")
            .map_err(|error| error.of(self.name()))?;
        self.apply(Arc::new(settings));
        Ok(())
    }

    pub(crate) fn apply(&self, settings: Arc<Settings>) {
        let shared = &self.0;
        let waits = settings.wait.draw(shared.peek(Machine::openings), None);
        let now = shared.now();
        let old =
            shared.with(now, |machine, effects| machine.reconfigure(settings, waits, now, effects));
        drop(old);
        shared.wake();
    }

    /// Holds the circuit open: every call is refused until the operator's next order.
    pub fn force_open(&self) {
        self.0.operate(Trigger::ForceOpen);
    }

    /// Holds the circuit closed: calls go through and are measured, but nothing is decided until the
    /// operator's next order.
    pub fn force_closed(&self) {
        self.0.operate(Trigger::ForceClosed);
    }

    /// Lets the circuit decide without refusing anything, until the operator's next order.
    ///
    /// Reports transitions as [`EventKind::Shadowed`](seawall_core::EventKind::Shadowed), and calls that it would
    /// have refused as [`EventKind::WouldReject`](seawall_core::EventKind::WouldReject).
    pub fn shadow(&self) {
        self.0.operate(Trigger::Shadow);
    }

    /// Ends the operator's order: the circuit is closed and its window empty. Without an order nothing
    /// changes.
    pub fn release(&self) {
        self.0.operate(Trigger::Release);
    }

    /// Starts again, whatever the state: closed, with an empty window and the first open wait, without
    /// an operator's order. Totals are kept. Calls in flight are of an older generation.
    pub fn reset(&self) {
        self.0.operate(Trigger::Reset);
    }
}

impl Admit for Breaker {
    type Permit<'p> = Permit<'p>;
    type Wait<'p> = WaitForVerdict<'p>;

    #[inline]
    fn try_admit(&self, _: &mut Attempt) -> Option<Permit<'_>> {
        self.0.try_admit().map(|admitted| Permit::new(&self.0, admitted))
    }

    #[expect(
        clippy::inline_always,
        reason = "saves 40 instructions: no attempt, no copy, one frame"
    )]
    #[inline(always)]
    fn try_refuse(&self, attempt: &mut Attempt) -> Option<Rejection> {
        self.0.try_refuse(|| attempt.began())
    }

    fn admit(&self, attempt: &mut Attempt) -> Admission<Permit<'_>, WaitForVerdict<'_>> {
        match self.try_refuse(attempt) {
            Some(rejection) => Admission::Refused(rejection),
            None => self.0.admit_or_wait(self.0.moment(attempt.began())),
        }
    }
}

impl Policy for Breaker {
    type Wrapped<'p, Op> = Admitted<'p, Self, Op>;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Admitted::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let settings = self.0.peek(|machine| Arc::clone(machine.settings()));
        inner
            .layer_with(PolicyKind::Breaker, self.name(), self.text(), self.settings())
            .with_fact("longest_open_wait", settings.wait.longest_of_its_own())
            .with_fact("abandoned_is_failure", settings.abandoned == Abandoned::Failure)
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.clone()));
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self(self.0.heard_by(listeners))
    }
}

impl std::fmt::Debug for Breaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breaker")
            .field("name", self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
