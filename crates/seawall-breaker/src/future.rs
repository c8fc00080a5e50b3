//! The guarded call as a future.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{Attempt, ByClass, Error, Judge, Rejection};

use crate::inner::Inner;
use crate::permit::Permit;
use crate::shell::Admitted;
use crate::waiting::{Entrance, Wait};

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
pub struct Guard<'p>(Stage<'p>);

enum Stage<'p> {
    Held(Permit<'p>),
    Waiting(&'p Inner, Wait<'p>),
    Over,
}

impl<'p> Guard<'p> {
    /// Asks for admission.
    #[inline]
    pub(crate) fn enter(breaker: &'p Inner, attempt: &mut Attempt) -> Result<Self, Rejection> {
        let gate = breaker.shell.gate();
        if gate.admits_at_once() {
            return Ok(Self::held(breaker, Admitted::at_once(gate)));
        }
        if let Some(rejection) = breaker.refuse_at_once(gate, || attempt.began()) {
            return Err(rejection);
        }
        match breaker.enter(attempt.began()) {
            Entrance::In(admitted) => Ok(Self::held(breaker, admitted)),
            Entrance::Wait(wait) => Ok(Self(Stage::Waiting(breaker, wait))),
            Entrance::Out(rejection) => Err(rejection),
        }
    }

    #[inline]
    fn held(breaker: &'p Inner, admitted: Admitted) -> Self {
        Self(Stage::Held(Permit::new(breaker, admitted)))
    }

    /// The permit, waited for if need be.
    #[inline]
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit<'p>, Rejection>> {
        match std::mem::replace(&mut self.0, Stage::Over) {
            Stage::Held(permit) => Poll::Ready(Ok(permit)),
            Stage::Waiting(breaker, wait) => self.poll_wait(breaker, wait, cx),
            Stage::Over => panic!("a guarded call was polled after it was over"),
        }
    }

    #[cold]
    fn poll_wait(
        &mut self,
        breaker: &'p Inner,
        mut wait: Wait<'p>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<Permit<'p>, Rejection>> {
        match wait.as_mut().poll(cx) {
            Poll::Ready(admitted) => {
                Poll::Ready(admitted.map(|admitted| Permit::new(breaker, admitted)))
            }
            Poll::Pending => {
                self.0 = Stage::Waiting(breaker, wait);
                Poll::Pending
            }
        }
    }
}

impl std::fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Stage::Held(_) => "Guard::Held",
            Stage::Waiting(..) => "Guard::Waiting",
            Stage::Over => "Guard::Over",
        })
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
                // Taken out while the future runs, so that its panic finds it.
                let permit = match ready!(guard.poll_take(cx)) {
                    Ok(permit) => permit,
                    Err(rejection) => return Poll::Ready(Err(Error::Rejected(rejection))),
                };
                match future.poll(cx) {
                    Poll::Ready(outcome) => {
                        let class = judge.judge_contained(&outcome, |report| permit.tell(report));
                        permit.settle(class);
                        Poll::Ready(outcome)
                    }
                    Poll::Pending => {
                        guard.0 = Stage::Held(permit);
                        Poll::Pending
                    }
                }
            }
            Projection::Refused(rejection) => {
                let rejection = rejection.take();
                let rejection = rejection.expect("a guarded call was polled after it was over");
                Poll::Ready(Err(Error::Rejected(rejection)))
            }
        }
    }
}
