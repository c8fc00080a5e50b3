//! How a call asks a limit for admission: the wrapped operation and the future that every limit
//! shares.
//!
//! A limit says one of three things, at once: the call is granted a permit, it is refused, or it
//! waits. Granted, the inner operation starts in the same step, so nothing is allocated and no
//! clock is read for having been let in. Waiting, it starts when the permit comes, with the clock
//! of its [`Attempt`] started anew.

use std::future::Future;

use seawall_core::{Attempt, Error, Rejection};

pub use future::LimitedFuture;
pub use guarded::Guarded;
pub use no_wait::NoWait;
pub use operation::Limited;
pub use seawall_core::operation::{Once, Repeated, Start};

mod future;
mod guarded;
mod no_wait;
mod operation;

/// What a limit says to a call.
#[derive(Debug)]
pub enum Admission<P, W> {
    /// It may start now.
    Granted(P),
    /// It may start when this future is ready, unless that says no.
    Waiting(W),
    /// It may not start.
    Refused(Rejection),
}

/// What a limit said, and the attempt it was asked for.
pub type Said<P, W> = (Admission<P, W>, Attempt);

/// A limit on calls: what [`Limited`] asks.
pub trait Limit {
    /// What a call holds while it runs. Dropping it gives back whatever it stands for.
    type Permit<'p>: Settle
    where
        Self: 'p;
    /// A call's place among those that wait. Dropping it gives the place up.
    type Wait<'p>: Future<Output = Result<Self::Permit<'p>, Rejection>> + Unpin
    where
        Self: 'p;

    /// A permit, if there is one right now and nobody has to be asked twice for it. `None` says
    /// nothing and changes nothing: ask [`admit`](Self::admit) then. Apart from it, so that what is
    /// inlined everywhere is small.
    fn admit_at_once(&self, attempt: &mut Attempt) -> Option<Self::Permit<'_>>;

    /// Asks for admission of `attempt`.
    fn admit(&self, attempt: &mut Attempt) -> Admission<Self::Permit<'_>, Self::Wait<'_>>;

    /// [`admit`](Self::admit) by value, for what was not let in [at once](Self::admit_at_once): an
    /// attempt that is lent to a function lies in memory, on the path where it is not, too.
    #[cold]
    #[inline(never)]
    fn admit_late(&self, mut attempt: Attempt) -> Said<Self::Permit<'_>, Self::Wait<'_>> {
        (self.admit(&mut attempt), attempt)
    }
}

/// Is told what the call it was given to came to. Dropped instead, it counts as abandoned.
pub trait Settle {
    /// The call succeeded.
    fn succeeded(self);

    /// The call failed.
    fn failed<E>(self, error: &Error<E>);
}
