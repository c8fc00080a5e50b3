//! A call that is cut off in time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{Attempt, Error, TimedOutBy};

use super::Timeout;
use super::expiry::Expiry;
use super::plan::Span;

/// A call with a [`Timeout`] around it.
///
/// The call is polled first, so an outcome that is there when the time runs out wins. The timer is
/// made after the first poll that was pending. A call that is cut off is dropped before the error of
/// the timeout is returned.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct TimeoutFuture<'p, Fut> {
    #[pin]
    timed: Timed<Fut>,
    timeout: &'p Timeout,
    limit: Duration,
    attempt: Attempt,
}

/// A call, and the timer that cuts it off.
#[pin_project]
pub(super) struct Timed<Fut> {
    #[pin]
    call: Option<Fut>,
    #[pin]
    expiry: Expiry,
}

impl<Fut> Timed<Fut> {
    pub(super) const fn new(call: Fut) -> Self {
        Self { call: Some(call), expiry: Expiry::Unset }
    }

    /// The call.
    ///
    /// # Panics
    ///
    /// When it is over.
    pub(super) fn call(self: Pin<&mut Self>) -> Pin<&mut Fut> {
        self.project().call.as_pin_mut().expect("a call was polled after it was over")
    }

    pub(super) const fn is_running(&self) -> bool {
        self.call.is_some()
    }

    /// Drops the call: what it holds goes back before the caller resumes.
    pub(super) fn end(self: Pin<&mut Self>) {
        self.project().call.set(None);
    }

    /// Drops the call, which failed. Out of line: with failures in its poll, a future returns successes
    /// through memory.
    #[cold]
    #[inline(never)]
    pub(super) fn fail<T, E>(self: Pin<&mut Self>, error: Error<E>) -> Poll<Result<T, Error<E>>> {
        self.end();
        Poll::Ready(Err(error))
    }

    /// Cuts off the call, which started with `attempt`, once its time is up. Called after it was
    /// pending.
    #[inline(never)]
    pub(super) fn cut_off<T, E>(
        mut self: Pin<&mut Self>,
        timeout: &Timeout,
        limit: Duration,
        mut attempt: Attempt,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, Error<E>>> {
        let span = Span { began: attempt.began(), limit, outer: attempt.deadline() };
        ready!(self.as_mut().project().expiry.poll(span, cx));
        self.end();
        Poll::Ready(Err(Error::TimedOut(timeout.cut_off(span, attempt))))
    }
}

impl<'p, Fut> TimeoutFuture<'p, Fut> {
    /// `call`, which started with `attempt` and has `span`.
    pub(super) const fn started(
        timeout: &'p Timeout,
        span: Span,
        attempt: Attempt,
        call: Fut,
    ) -> Self {
        Self { timed: Timed::new(call), timeout, limit: span.limit, attempt }
    }
}

impl<Fut, T, E> Future for TimeoutFuture<'_, Fut>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after the call was cut off.
    #[expect(clippy::inline_always, reason = "30 instructions a call of a pipeline, by count")]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        match this.timed.as_mut().call().poll(cx) {
            Poll::Pending => this.timed.cut_off(this.timeout, *this.limit, *this.attempt, cx),
            Poll::Ready(Err(mut error)) => {
                name_time_limit(this.timeout, *this.limit, *this.attempt, &mut error);
                Poll::Ready(Err(error))
            }
            ready @ Poll::Ready(Ok(_)) => ready,
        }
    }
}

/// Puts the name of the timeout into an error of a policy inside that ran out of its time.
#[cold]
#[inline(never)]
fn name_time_limit<E>(
    timeout: &Timeout,
    limit: Duration,
    mut attempt: Attempt,
    error: &mut Error<E>,
) {
    let span = Span { began: attempt.began(), limit, outer: attempt.deadline() };
    if error.is_timeout() && span.by() == TimedOutBy::Limit {
        error.name_time_limit(timeout.name());
    }
}

impl<Fut> fmt::Debug for TimeoutFuture<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutFuture")
            .field("timeout", self.timeout.name())
            .field("running", &self.timed.is_running())
            .finish_non_exhaustive()
    }
}
