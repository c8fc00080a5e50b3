//! How long a call may take, and who says so.

use std::time::Duration;

use seawall_core::{Attempt, PanicReport, Scope, contain};

use super::{DEFAULT_ATTEMPT_LIMIT, DEFAULT_LIMIT};

/// Says how long a call may take: a [`Duration`], or a function of the attempt.
///
/// Implemented by `Duration` and by every `Fn(&Attempt) -> Duration`; not to be implemented
/// elsewhere, so that it can grow.
pub trait Limit: sealed::Sealed {
    /// What was decided for one call.
    type Decided;

    /// Decides for the call that begins with `attempt`.
    #[doc(hidden)]
    fn decide(&self, attempt: &Attempt) -> Self::Decided;

    /// How long the call may take; `None` if deciding it panicked.
    #[doc(hidden)]
    fn of(&self, decided: &Self::Decided) -> Option<Duration>;

    /// The panic in deciding, once.
    #[doc(hidden)]
    fn take_panic(decided: &mut Self::Decided) -> Option<PanicReport>;

    /// The same for every call.
    #[doc(hidden)]
    fn fixed(&self) -> Option<Duration>;

    /// Where none was set.
    #[doc(hidden)]
    fn default_for(scope: Scope) -> Option<Self>
    where
        Self: Sized;
}

mod sealed {
    use super::{Attempt, Duration};

    pub trait Sealed {}

    impl Sealed for Duration {}
    impl<F: Fn(&Attempt) -> Duration> Sealed for F {}
}

impl Limit for Duration {
    // Nothing, so that a call carries nothing.
    type Decided = ();

    #[inline]
    fn decide(&self, _: &Attempt) {}

    #[inline]
    fn of(&self, (): &()) -> Option<Duration> {
        Some(*self)
    }

    #[inline]
    fn take_panic((): &mut ()) -> Option<PanicReport> {
        None
    }

    fn fixed(&self) -> Option<Duration> {
        Some(*self)
    }

    fn default_for(scope: Scope) -> Option<Self> {
        Some(if scope == Scope::Attempt { DEFAULT_ATTEMPT_LIMIT } else { DEFAULT_LIMIT })
    }
}

impl<F: Fn(&Attempt) -> Duration> Limit for F {
    type Decided = Result<Duration, Option<PanicReport>>;

    #[inline]
    fn decide(&self, attempt: &Attempt) -> Self::Decided {
        contain(|| self(attempt)).map_err(Some)
    }

    #[inline]
    fn of(&self, decided: &Self::Decided) -> Option<Duration> {
        decided.as_ref().ok().copied()
    }

    fn take_panic(decided: &mut Self::Decided) -> Option<PanicReport> {
        decided.as_mut().err().and_then(Option::take)
    }

    fn fixed(&self) -> Option<Duration> {
        None
    }

    fn default_for(_: Scope) -> Option<Self> {
        None
    }
}
