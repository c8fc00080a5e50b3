//! The handle.

use std::sync::Arc;

use seawall_core::{
    Check, CircuitState, Class, ConfigError, Error, Listeners, Name, PolicyKind, Rejection,
};
use tokio::time::Instant;

use crate::inner::Inner;
use crate::machine::{Machine, Restored, Settings, Trigger};
use crate::permit::{OwnedPermit, Permit};
use crate::snapshot::Snapshot;
use crate::{BreakerBuilder, Export};

/// A circuit breaker. Clones share it.
#[derive(Clone)]
pub struct Breaker(pub(crate) Arc<Inner>);

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
        Self(Arc::new(Inner::new(name, settings, listeners, restored)))
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
        self.0.listeners()
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
    /// under way ends when it was to, and who waits for a verdict waits as was said when the wait
    /// began. The [tally](BreakerBuilder::tally) can't be changed: it is a sum from the beginning
    /// on. What `builder` says of a name or an export to restore is not looked at.
    pub fn reconfigure(&self, builder: BreakerBuilder) -> Result<(), ConfigError> {
        let (_, settings) = builder.parts(self.name().clone())?;
        let inner = &*self.0;
        let tally = inner.shell.peek(|machine| machine.settings().tally);
        let check = Check::of(PolicyKind::Breaker);
        check.that(settings.tally == tally, "tally", settings.tally, "what it was built with")?;
        let settings = Arc::new(settings);
        let waits = settings.wait.draw(inner.shell.peek(Machine::openings), None);
        let now = inner.now();
        let old = inner.shell.with(now, inner, |machine, happened| {
            machine.reconfigure(settings, waits, now, happened)
        });
        drop(old);
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
    /// What it would have done arrives as [`EventKind::Shadowed`](seawall_core::EventKind::Shadowed) and [`EventKind::WouldReject`](seawall_core::EventKind::WouldReject).
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

impl std::fmt::Debug for Breaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Breaker")
            .field("name", &self.0.name)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}
