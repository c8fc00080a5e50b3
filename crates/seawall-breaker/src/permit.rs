//! An admission as a value.

use seawall_core::admission::Mark;
use seawall_core::{Class, Error, Health, Settle};

use crate::machine::Settled;
use crate::shared::{Admitted, Circuit};

/// An admission. Settle it when the call has ended.
///
/// A permit that is dropped instead counts as an abandoned call: a probe's slot comes back and nothing
/// is recorded, unless [`abandoned_as`](crate::BreakerBuilder::abandoned_as) is set. A permit that is
/// dropped while the thread is panicking counts as a failure.
#[must_use = "a permit that is dropped counts as an abandoned call"]
pub struct Permit<'b> {
    breaker: &'b Circuit,
    admitted: Admitted,
}

/// What the breaker did with an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// It was counted.
    Counted,
    /// The generation that admitted the call is over, or the probe failed after its lease had ended:
    /// the outcome was counted as stale and decides nothing.
    Stale,
    /// It says nothing about the dependency: nothing was recorded.
    Ignored,
    /// The circuit is in shadow and would have refused the call: nothing was recorded.
    Unmeasured,
}

impl From<Settled> for Settlement {
    fn from(settled: Settled) -> Self {
        match settled {
            Settled::Counted => Self::Counted,
            Settled::Stale => Self::Stale,
            Settled::Unmeasured => Self::Unmeasured,
        }
    }
}

impl<'b> Permit<'b> {
    #[inline]
    pub(crate) fn new(breaker: &'b Circuit, admitted: Admitted) -> Self {
        Self { breaker, admitted }
    }

    /// The call succeeded.
    #[inline]
    pub fn success(self) -> Settlement {
        let (breaker, admitted) = self.into_parts();
        if breaker.skips_success(admitted) {
            Settlement::Counted
        } else {
            let Admitted { word, probe, began } = admitted;
            breaker.succeed(word, probe, began)
        }
    }

    /// The call failed, whatever the class. The class only says whether the dependency asked for a
    /// pause.
    pub fn failure(self, class: Class) -> Settlement {
        let (breaker, admitted) = self.into_parts();
        breaker.record(admitted, true, class)
    }

    /// The call says nothing about the dependency.
    pub fn ignore(self) -> Settlement {
        self.settle(Class::Ignored)
    }

    /// The call ended with `class`, which decides whether that is a success, a failure, or neither.
    pub fn settle(self, class: Class) -> Settlement {
        let (breaker, admitted) = self.into_parts();
        breaker.settle(admitted, class)
    }

    /// The call ended with `error`, which counts as `class`.
    pub(crate) fn settle_error<E>(self, class: Class, error: &Error<E>) -> Settlement {
        let (breaker, admitted) = self.into_parts();
        match error.last() {
            Error::TimedOut(timed_out) if class.health() == Health::Unhealthy => {
                breaker.time_out(admitted, class, timed_out)
            }
            _ => breaker.settle(admitted, class),
        }
    }

    /// The mark of a probe; other calls have none.
    pub(crate) fn probe_mark(&self) -> Option<Mark> {
        self.is_probe().then(|| self.breaker.mark(self.generation()))
    }

    /// Takes the permit apart: nobody has to settle it any longer.
    #[inline]
    fn into_parts(self) -> (&'b Circuit, Admitted) {
        let parts = (self.breaker, self.admitted);
        std::mem::forget(self);
        parts
    }

    /// The generation that admitted the call.
    pub fn generation(&self) -> u64 {
        self.admitted.generation()
    }

    /// Whether the call is a probe of a half-open circuit.
    pub fn is_probe(&self) -> bool {
        self.admitted.is_probe()
    }
}

/// A [`Permit`] that holds the breaker, so that it can be kept anywhere.
///
/// Settled and dropped like a [`Permit`].
#[must_use = "a permit that is dropped counts as an abandoned call"]
pub struct OwnedPermit {
    breaker: Circuit,
    /// Absent once settled.
    admitted: Option<Admitted>,
}

impl OwnedPermit {
    pub(crate) fn new(breaker: Circuit, admitted: Admitted) -> Self {
        Self { breaker, admitted: Some(admitted) }
    }

    /// The call succeeded.
    pub fn success(self) -> Settlement {
        self.settle(Class::Success)
    }

    /// The call failed, whatever the class. The class only says whether the dependency asked for a
    /// pause.
    pub fn failure(mut self, class: Class) -> Settlement {
        self.take().map_or(Settlement::Ignored, |permit| permit.failure(class))
    }

    /// The call says nothing about the dependency.
    pub fn ignore(self) -> Settlement {
        self.settle(Class::Ignored)
    }

    /// The call ended with `class`, which decides whether that is a success, a failure, or neither.
    pub fn settle(mut self, class: Class) -> Settlement {
        self.take().map_or(Settlement::Ignored, |permit| permit.settle(class))
    }

    /// The generation that admitted the call.
    pub fn generation(&self) -> u64 {
        self.admitted.map_or(0, Admitted::generation)
    }

    /// Whether the call is a probe of a half-open circuit.
    pub fn is_probe(&self) -> bool {
        self.admitted.is_some_and(Admitted::is_probe)
    }

    fn take(&mut self) -> Option<Permit<'_>> {
        let admitted = self.admitted.take()?;
        Some(Permit::new(&self.breaker, admitted))
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        drop(self.take());
    }
}

impl std::fmt::Debug for OwnedPermit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OwnedPermit")
            .field("generation", &self.generation())
            .field("is_probe", &self.is_probe())
            .finish_non_exhaustive()
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.breaker.abandon(self.admitted);
    }
}

impl<T, E> Settle<T, E> for Permit<'_> {
    #[inline]
    fn settle(self, outcome: &Result<T, Error<E>>) {
        match outcome {
            Ok(_) => {
                self.success();
            }
            Err(error) => settle_error(self, error),
        }
    }

    #[inline]
    fn settle_ok(self, output: T) -> Result<T, Error<E>> {
        self.success();
        Ok(output)
    }

    fn mark(&self) -> Option<Mark> {
        self.probe_mark()
    }
}

/// Out of line, so that a success is small enough to be inlined.
#[inline(never)]
fn settle_error<E>(permit: Permit<'_>, error: &Error<E>) {
    permit.settle_error(error.class(), error);
}

impl std::fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit")
            .field("generation", &self.generation())
            .field("is_probe", &self.is_probe())
            .finish_non_exhaustive()
    }
}
