//! The guarded call as a future.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{ByClass, Error, Judge, Rejection};

use crate::breaker::Inner;
use crate::permit::Permit;
use crate::shell::Admitted;

/// A call that a breaker guards: admitted and under way, or refused.
///
/// Dropped while under way, the call counts as abandoned.
#[pin_project(project = Projection)]
#[must_use = "futures do nothing unless polled"]
pub enum BreakerFuture<'p, Fut, J = ByClass> {
    /// Admitted. What is inside is the breaker's business.
    #[doc(hidden)]
    Running {
        #[pin]
        future: Fut,
        guard: Guard<'p>,
        judge: &'p J,
    },
    /// Refused.
    #[doc(hidden)]
    Refused(Option<Rejection>),
}

/// The permit of a future, until the future is over.
#[doc(hidden)]
#[derive(Debug)]
pub struct Guard<'p>(Option<Permit<'p>>);

impl<'p> Guard<'p> {
    #[inline]
    pub(crate) fn new(breaker: &'p Inner, admitted: Admitted) -> Self {
        Self(Some(Permit::new(breaker, admitted)))
    }
}

impl<Fut, J> std::fmt::Debug for BreakerFuture<'_, Fut, J> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Running { .. } => "BreakerFuture::Running",
            Self::Refused(_) => "BreakerFuture::Refused",
        })
    }
}

impl<Fut, T, E, J> Future for BreakerFuture<'_, Fut, J>
where
    Fut: Future<Output = Result<T, Error<E>>>,
    J: Judge<T, E>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Projection::Running { future, guard, judge } => {
                let outcome = ready!(future.poll(cx));
                let permit = guard.0.take().expect("a guarded call was polled after it was over");
                permit.settle(judge.judge(&outcome));
                Poll::Ready(outcome)
            }
            Projection::Refused(rejection) => {
                let rejection = rejection.take();
                let rejection = rejection.expect("a guarded call was polled after it was over");
                Poll::Ready(Err(Error::Rejected(rejection)))
            }
        }
    }
}
