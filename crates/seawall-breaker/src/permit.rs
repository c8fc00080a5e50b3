//! An admission as a value.

use std::sync::Arc;

use seawall_core::{Class, EventKind, PanicReport};
use tokio::time::Instant;

use crate::inner::Inner;
use crate::machine::Settled;
use crate::shell::{Admitted, Gate};
use crate::time::Nanos;

/// An admission. Tell it how the call ended.
///
/// Dropped without that, the call counts as abandoned: a probe's slot comes back and nothing is
/// recorded, unless [`abandoned_as`](crate::BreakerBuilder::abandoned_as) says otherwise. Dropped
/// while the thread is panicking, it counts as a failure.
#[must_use = "a permit that is dropped counts as an abandoned call"]
pub struct Permit<'b> {
    breaker: &'b Inner,
    admitted: Admitted,
}

/// What the breaker made of an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Settlement {
    /// It counts.
    Counted,
    /// The generation that admitted the call is over, or its lease is: the outcome was counted as
    /// stale and decides nothing.
    Stale,
    /// It says nothing about the dependency: nothing was recorded.
    Ignored,
    /// The circuit is in shadow and would have refused the call: nothing was recorded.
    Unmeasured,
}

impl From<Settled> for Settlement {
    #[inline]
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
    pub(crate) fn new(breaker: &'b Inner, admitted: Admitted) -> Self {
        Self { breaker, admitted }
    }

    /// The call succeeded.
    #[inline]
    pub fn success(self) -> Settlement {
        let Self { breaker, admitted } = self;
        std::mem::forget(self);
        if breaker.shell.succeeds_at_once(admitted) {
            Settlement::Counted
        } else {
            let Admitted { gate, probe, began } = admitted;
            succeed(breaker, gate, probe, began)
        }
    }

    /// The call failed, which is recorded whatever the class. The class says whether the dependency
    /// asked for a pause.
    pub fn failure(self, class: Class) -> Settlement {
        let Self { breaker, admitted } = self;
        std::mem::forget(self);
        breaker.conclude(admitted, true, class)
    }

    /// The call says nothing about the dependency.
    pub fn ignore(self) -> Settlement {
        self.settle(Class::Ignored)
    }

    /// The call came to `class`, which says whether that is a success, a failure, or nothing.
    #[inline]
    pub fn settle(self, class: Class) -> Settlement {
        if class == Class::Success { self.success() } else { self.settle_unless_success(class) }
    }

    fn settle_unless_success(self, class: Class) -> Settlement {
        let Self { breaker, admitted } = self;
        std::mem::forget(self);
        breaker.settle(admitted, class)
    }

    /// The admission without the duty to settle it.
    #[inline]
    pub(crate) fn keep(self) -> Admitted {
        let admitted = self.admitted;
        std::mem::forget(self);
        admitted
    }

    /// [`keep`](Self::keep), and whose it is.
    #[inline]
    pub(crate) fn into_parts(self) -> (&'b Inner, Admitted) {
        (self.breaker, self.keep())
    }

    /// Tells of a panic in the user's judge.
    #[cold]
    pub(crate) fn tell(&self, report: PanicReport) {
        self.breaker.emit(Instant::now(), || EventKind::Panicked(report));
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
    breaker: Arc<Inner>,
    /// Absent once settled.
    admitted: Option<Admitted>,
}

impl OwnedPermit {
    pub(crate) fn new(breaker: Arc<Inner>, admitted: Admitted) -> Self {
        Self { breaker, admitted: Some(admitted) }
    }

    /// The call succeeded.
    pub fn success(self) -> Settlement {
        self.settle(Class::Success)
    }

    /// The call failed, which is recorded whatever the class. The class says whether the dependency
    /// asked for a pause.
    pub fn failure(mut self, class: Class) -> Settlement {
        self.lend().map_or(Settlement::Ignored, |permit| permit.failure(class))
    }

    /// The call says nothing about the dependency.
    pub fn ignore(self) -> Settlement {
        self.settle(Class::Ignored)
    }

    /// The call came to `class`, which says whether that is a success, a failure, or nothing.
    pub fn settle(mut self, class: Class) -> Settlement {
        self.lend().map_or(Settlement::Ignored, |permit| permit.settle(class))
    }

    /// The generation that admitted the call.
    pub fn generation(&self) -> u64 {
        self.admitted.map_or(0, Admitted::generation)
    }

    /// Whether the call is a probe of a half-open circuit.
    pub fn is_probe(&self) -> bool {
        self.admitted.is_some_and(Admitted::is_probe)
    }

    fn lend(&mut self) -> Option<Permit<'_>> {
        let admitted = self.admitted.take()?;
        Some(Permit::new(&self.breaker, admitted))
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        drop(self.lend());
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
        let Admitted { gate, probe, began } = self.admitted;
        abandon(self.breaker, gate, probe, began);
    }
}

// The two ways out of line take an admission apart: handed on by reference it would have to lie in
// memory, on the path where neither is called, too.

#[inline(never)]
fn succeed(breaker: &Inner, gate: Gate, probe: u32, began: Nanos) -> Settlement {
    breaker.conclude(Admitted { gate, probe, began }, false, Class::Success)
}

#[cold]
#[inline(never)]
fn abandon(breaker: &Inner, gate: Gate, probe: u32, began: Nanos) {
    breaker.abandon(Admitted { gate, probe, began });
}

impl std::fmt::Debug for Permit<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Permit")
            .field("generation", &self.generation())
            .field("is_probe", &self.is_probe())
            .finish_non_exhaustive()
    }
}
