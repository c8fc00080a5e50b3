//! The guarded call as a future.

use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::{pin_project, pinned_drop};
use seawall_core::{Attempt, ByClass, Error, Judge, Rejection};

use crate::inner::Inner;
use crate::permit::Permit;
use crate::shell::{Admitted, Gate};
use crate::waiting::{Entrance, Wait};

/// A call that a breaker guards: admitted and under way, or refused.
///
/// Dropped while under way, the call counts as abandoned.
#[pin_project(PinnedDrop, project = Projection)]
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

/// What a breaker said to an attempt that it did not refuse.
pub(crate) enum Entered<'p> {
    In(Permit<'p>),
    Waiting(&'p Inner, Wait<'p>),
}

impl<'p> Entered<'p> {
    /// Asks for admission.
    #[inline(always)]
    pub(crate) fn ask(breaker: &'p Inner, attempt: &mut Attempt) -> Result<Self, Rejection> {
        let gate = breaker.shell.gate();
        if gate.admits_at_once() {
            return Ok(Self::In(Permit::new(breaker, Admitted::at_once(gate))));
        }
        // Lent is a copy: what is lent lies in memory, on the path where it is not, too.
        let mut lent = *attempt;
        let entered = Self::ask_watched(breaker, gate, &mut lent);
        *attempt = lent;
        entered
    }

    #[inline(never)]
    fn ask_watched(
        breaker: &'p Inner,
        gate: Gate,
        attempt: &mut Attempt,
    ) -> Result<Self, Rejection> {
        if let Some(rejection) = breaker.refuse_at_once(gate, || attempt.began()) {
            return Err(rejection);
        }
        match breaker.enter(attempt.began()) {
            Entrance::In(admitted) => Ok(Self::In(Permit::new(breaker, admitted))),
            Entrance::Wait(wait) => Ok(Self::Waiting(breaker, wait)),
            Entrance::Out(rejection) => Err(rejection),
        }
    }

    /// As a future keeps it, which sees to it that it is given back.
    #[inline(always)]
    pub(crate) fn keep(self) -> Guard<'p> {
        match self {
            Self::In(permit) => {
                let (breaker, admitted) = permit.into_parts();
                Guard { breaker, stage: Stage::Held(admitted) }
            }
            Self::Waiting(breaker, wait) => {
                Guard { breaker, stage: Stage::Waiting(ManuallyDrop::new(wait)) }
            }
        }
    }
}

/// The permit of a future, until the future is over. Given back by the future when that is dropped.
#[doc(hidden)]
pub struct Guard<'p> {
    breaker: &'p Inner,
    stage: Stage<'p>,
}

/// Nothing in it drops itself, so that dropping a future that is over is a look at one word.
enum Stage<'p> {
    Over,
    Held(Admitted),
    Waiting(ManuallyDrop<Wait<'p>>),
}

impl<'p> Guard<'p> {
    /// The permit, waited for if need be.
    #[inline(always)]
    fn poll_take(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit<'p>, Rejection>> {
        if let Stage::Held(admitted) = self.stage {
            self.stage = Stage::Over;
            return Poll::Ready(Ok(Permit::new(self.breaker, admitted)));
        }
        self.poll_wait(cx)
    }

    #[cold]
    #[inline(never)]
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<Result<Permit<'p>, Rejection>> {
        let Stage::Waiting(wait) = std::mem::replace(&mut self.stage, Stage::Over) else {
            panic!("a guarded call was polled after it was over");
        };
        let mut wait = ManuallyDrop::into_inner(wait);
        let admitted = wait.as_mut().poll(cx);
        if admitted.is_pending() {
            self.stage = Stage::Waiting(ManuallyDrop::new(wait));
        }
        admitted.map_ok(|admitted| Permit::new(self.breaker, admitted))
    }

    #[cold]
    #[inline(never)]
    fn drop_early(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Over) {
            Stage::Over => {}
            Stage::Held(admitted) => self.breaker.abandon(admitted),
            Stage::Waiting(wait) => drop(ManuallyDrop::into_inner(wait)),
        }
    }
}

#[pinned_drop]
impl<Fut, J> PinnedDrop for BreakerFuture<'_, Fut, J> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        if let Projection::Running { guard, .. } = self.project()
            && !matches!(guard.stage, Stage::Over)
        {
            guard.drop_early();
        }
    }
}

impl std::fmt::Debug for Guard<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.stage {
            Stage::Held(_) => "Guard::Held",
            Stage::Waiting(_) => "Guard::Waiting",
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
                        guard.stage = Stage::Held(permit.keep());
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
