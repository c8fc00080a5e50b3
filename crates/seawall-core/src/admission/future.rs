use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use super::deferred::Start;
use super::{Admission, Admit, Mark, Settle};
use crate::{Attempt, ColdOption, Error, Rejection};

/// A call that a policy admits: it waits for its permit, if it has to, and then runs.
///
/// # Cancel safety
///
/// Dropped while it waits, it gives its place up; dropped while it runs, it gives its permit back.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct AdmittedFuture<P, W, S, Fut> {
    #[pin]
    state: State<P, W, S, Fut>,
}

#[pin_project(project = StateProjection)]
enum State<P, W, S, Fut> {
    Running {
        // Before the permit: what is inside ends before its permit goes to the next.
        #[pin]
        future: Fut,
        // `None` once the call has ended.
        permit: Option<P>,
    },
    /// Not admitted at once. Moved in and out of calls, never passed by reference, and dropped out
    /// of line: that keeps the running call in registers while nothing waits.
    Deferred(ColdOption<Deferral<P, W, S, Fut>>),
}

pub(super) enum Deferral<P, W, S, Fut> {
    Refused(Rejection),
    Pending(Pin<Box<Pending<P, W, S, Fut>>>),
}

// What is taken when the call starts is an `Option`.
#[pin_project(project = PendingProjection)]
pub(super) enum Pending<P, W, S, Fut> {
    Waiting { wait: W, start: Option<S>, attempt: Attempt },
    Granted { permit: Option<P>, start: Option<S>, attempt: Attempt },
    Started(#[pin] AdmittedFuture<P, W, S, Fut>),
}

impl<P, W, S, Fut> AdmittedFuture<P, W, S, Fut> {
    pub(super) const fn running(permit: P, future: Fut) -> Self {
        Self { state: State::Running { future, permit: Some(permit) } }
    }

    pub(super) const fn deferred(deferral: Deferral<P, W, S, Fut>) -> Self {
        Self { state: State::Deferred(ColdOption::some(deferral)) }
    }
}

impl<P, W, S, Fut> AdmittedFuture<P, W, S, Fut> {
    /// The mark of the call, while it runs.
    fn mark<T, E>(&self) -> Option<Mark>
    where
        P: Settle<T, E>,
    {
        match &self.state {
            State::Running { permit, .. } => permit.as_ref()?.mark(),
            State::Deferred(_) => None,
        }
    }
}

impl<P, W, S, Fut> Deferral<P, W, S, Fut> {
    /// The answer of `policy` to `attempt`, which it did not admit at once. `start` is what starts the
    /// call if it may start later.
    ///
    /// Returned rather than the whole future: a future that is written by address lies in memory, on
    /// the fast path, too. By value for the same reason.
    #[cold]
    pub(super) fn ask<'p, A>(policy: &'p A, mut attempt: Attempt, start: impl FnOnce() -> S) -> Self
    where
        A: Admit<Permit<'p> = P, Wait<'p> = W>,
    {
        let pending = match policy.admit(&mut attempt) {
            Admission::Refused(rejection) => return Self::Refused(rejection),
            Admission::Granted(permit) => {
                Pending::Granted { permit: Some(permit), start: Some(start()), attempt }
            }
            Admission::Waiting(wait) => Pending::Waiting { wait, start: Some(start()), attempt },
        };
        Self::Pending(Box::pin(pending))
    }
}

impl<P, W, S, Fut, T, E> Future for AdmittedFuture<P, W, S, Fut>
where
    P: Settle<T, E>,
    W: Future<Output = Result<P, Rejection>> + Unpin,
    S: Start<Future = Fut>,
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Running { future, permit } => {
                // Success and failure apart: a small output then stays in registers, where a whole
                // `Result` is copied.
                match ready!(future.poll(cx)) {
                    Ok(output) => Poll::Ready(take(permit).settle_ok(output)),
                    Err(error) => {
                        let outcome = Err(error);
                        take(permit).settle(&outcome);
                        Poll::Ready(outcome)
                    }
                }
            }
            StateProjection::Deferred(deferral) => match deferral.take() {
                Some(Deferral::Refused(rejection)) => Poll::Ready(Err(rejection.into())),
                Some(Deferral::Pending(pending)) => match pending.poll_pending(cx) {
                    Ok(outcome) => Poll::Ready(outcome),
                    Err(pending) => {
                        deferral.put(Deferral::Pending(pending));
                        Poll::Pending
                    }
                },
                None => polled_after_ready(),
            },
        }
    }
}

impl<P, W, S, Fut, T, E> Pending<P, W, S, Fut>
where
    P: Settle<T, E>,
    W: Future<Output = Result<P, Rejection>> + Unpin,
    S: Start<Future = Fut>,
    Fut: Future<Output = Result<T, Error<E>>>,
{
    /// The outcome, or itself, if there is none yet.
    #[cold]
    fn poll_pending(
        mut self: Pin<Box<Self>>,
        cx: &mut Context<'_>,
    ) -> Result<Fut::Output, Pin<Box<Self>>> {
        match self.as_mut().project() {
            PendingProjection::Waiting { wait, start, attempt } => match Pin::new(wait).poll(cx) {
                Poll::Pending => return Err(self),
                Poll::Ready(Err(rejection)) => return Ok(Err(rejection.into())),
                Poll::Ready(Ok(permit)) => {
                    // Held while the call is started, so that a panic gives it back.
                    let start = start.take().unwrap_or_else(|| polled_after_ready());
                    let _inside = permit.mark().map(Mark::enter);
                    let future = start.start(attempt.restart_clock());
                    self.set(Self::Started(AdmittedFuture::running(permit, future)));
                }
            },
            PendingProjection::Granted { permit, start, attempt } => {
                let permit = permit.take().unwrap_or_else(|| polled_after_ready());
                let start = start.take().unwrap_or_else(|| polled_after_ready());
                let _inside = permit.mark().map(Mark::enter);
                let future = start.start(*attempt);
                self.set(Self::Started(AdmittedFuture::running(permit, future)));
            }
            PendingProjection::Started(_) => {}
        }
        let PendingProjection::Started(started) = self.as_mut().project() else {
            polled_after_ready()
        };
        let _inside = started.mark().map(Mark::enter);
        match started.poll(cx) {
            Poll::Ready(outcome) => Ok(outcome),
            Poll::Pending => Err(self),
        }
    }
}

fn take<P>(permit: &mut Option<P>) -> P {
    permit.take().unwrap_or_else(|| polled_after_ready())
}

#[cold]
fn polled_after_ready() -> ! {
    panic!("a call was polled after it was over")
}

impl<P, W, S, Fut> fmt::Debug for AdmittedFuture<P, W, S, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.state {
            State::Running { .. } => "AdmittedFuture::Running",
            State::Deferred(_) => "AdmittedFuture::Deferred",
        })
    }
}
