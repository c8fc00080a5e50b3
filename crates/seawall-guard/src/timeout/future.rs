//! A call that is cut off in time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{Attempt, Error};

use super::Timeout;
use super::expiry::Expiry;
use super::limit::Limit;
use super::plan::Span;

/// A call with a [`Timeout`] around it.
///
/// The call is polled first, so an outcome that is there when the time runs out wins. The timer is
/// made after the first poll that was pending. The call is dropped before its outcome, or the error of
/// the timeout, is returned.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct TimeoutFuture<'p, Fut> {
    #[pin]
    call: Option<Fut>,
    #[pin]
    expiry: Expiry,
    timeout: &'p Timeout,
    /// The limit of this call, once it is decided. A fixed one need not be.
    limit: Option<Duration>,
    attempt: Attempt,
}

impl<'p, Fut> TimeoutFuture<'p, Fut> {
    /// `call`, which starts at the first poll.
    pub(super) fn lazy(timeout: &'p Timeout, call: Fut) -> Self {
        let attempt = Attempt::first();
        Self { call: Some(call), expiry: Expiry::Unset, timeout, limit: None, attempt }
    }

    /// `call`, which started with `attempt` and has `span`.
    pub(super) fn started(timeout: &'p Timeout, span: Span, attempt: Attempt, call: Fut) -> Self {
        let limit = Some(span.limit);
        Self { call: Some(call), expiry: Expiry::Unset, timeout, limit, attempt }
    }

    /// Cuts the call off once its time is up. Called after the call was pending.
    #[inline(never)]
    fn poll_expiry<T, E>(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        let mut this = self.project();
        let began = this.attempt.began();
        let limit = this.limit.unwrap_or_else(|| this.timeout.limit_of(*this.attempt));
        let span = Span { began, limit, outer: this.attempt.deadline() };
        ready!(this.expiry.poll(span, cx));
        // What the call holds goes back before the caller resumes.
        this.call.set(None);
        Poll::Ready(Err(Error::TimedOut(this.timeout.cut_off(span, *this.attempt))))
    }

    #[cold]
    #[inline(never)]
    fn fail<T, E>(self: Pin<&mut Self>, error: Error<E>) -> Poll<Result<T, Error<E>>> {
        self.project().call.set(None);
        Poll::Ready(Err(error))
    }
}

impl<Fut, T, E> Future for TimeoutFuture<'_, Fut>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[expect(clippy::inline_always, reason = "30 instructions a call of a pipeline, by count")]
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        this.attempt.began();
        if this.limit.is_none() && matches!(this.timeout.limit, Limit::By(_)) {
            *this.limit = Some(this.timeout.limit_of(*this.attempt));
        }
        let call = this.call.as_pin_mut().expect("a call was polled after it was over");
        match call.poll(cx) {
            Poll::Ready(Ok(output)) => {
                // What the call holds goes back before the caller resumes.
                self.project().call.set(None);
                Poll::Ready(Ok(output))
            }
            Poll::Ready(Err(error)) => self.fail(error),
            Poll::Pending => self.poll_expiry(cx),
        }
    }
}

impl<Fut> fmt::Debug for TimeoutFuture<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutFuture")
            .field("timeout", self.timeout.name())
            .field("running", &self.call.is_some())
            .finish_non_exhaustive()
    }
}
