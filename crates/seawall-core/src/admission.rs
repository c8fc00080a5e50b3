//! Deciding whether a call may start: now, later or not at all.
//!
//! Every policy that limits calls answers one question with the same three answers, and may use the
//! outcome of the call at its end. [`Admit`] is the question, [`Admission`] the answers, and
//! [`Settle`] the end; the wrapped operation and its futures are written once, here.
//!
//! An admitted call starts in the same step: nothing is allocated and no clock is read for it. A
//! call that waits is started when its permit comes, with the clock of its [`Attempt`] restarted.

use std::future::Future;

use crate::{Attempt, Error, Rejection};

pub use alone::Guarded;
pub use future::AdmittedFuture;
pub use no_wait::NoWait;
pub use wrapped::Admitted;

mod alone;
pub(crate) mod deferred;
mod future;
mod no_wait;
mod wrapped;

/// The answer to a call that asks for admission.
#[derive(Debug)]
pub enum Admission<P, W> {
    /// It may start now.
    Granted(P),
    /// It may start when this future is ready, unless that refuses it.
    Waiting(W),
    /// It may not start.
    Refused(Rejection),
}

/// Decides whether a call may start.
pub trait Admit {
    /// What a call holds while it runs. Dropping it gives back what it stands for.
    type Permit<'p>
    where
        Self: 'p;
    /// A call's place among those that wait: [`NoWait`] where none does. Dropping it gives the place
    /// up.
    type Wait<'p>: Future<Output = Result<Self::Permit<'p>, Rejection>> + Unpin
    where
        Self: 'p;

    /// A permit, if there is one right now and nothing more has to be known. `None` decides nothing
    /// and changes nothing: [`admit`](Self::admit) is called then.
    ///
    /// This is the fast path. It is inlined into every call, so it should be small.
    fn try_admit(&self, attempt: &mut Attempt) -> Option<Self::Permit<'_>>;

    /// Admits `attempt`, lets it wait, or refuses it.
    fn admit(&self, attempt: &mut Attempt) -> Admission<Self::Permit<'_>, Self::Wait<'_>>;
}

/// A permit at the end of its call. A permit that is dropped instead belongs to a call that was
/// abandoned.
///
/// The law of all admissions: what is inside the call has ended before its permit goes to another.
pub trait Settle<T, E>: Sized {
    /// The call ended with `outcome`. By default the permit is dropped.
    #[inline]
    fn settle(self, outcome: &Result<T, Error<E>>) {
        let _ = outcome;
    }
}

/// A permit that has no use for the outcome of its call: it is only dropped.
#[derive(Debug)]
pub struct Unobserved<P>(pub P);

impl<T, E, P> Settle<T, E> for Unobserved<P> {}
