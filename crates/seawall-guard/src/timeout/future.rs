//! A call that is cut off in time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{Attempt, Error, Panicked};

use super::Timeout;
use super::expiry::Expiry;
use super::plan::Span;

/// A call with a [`Timeout`] around it.
///
/// The call is polled first, so an outcome that is there when the time runs out wins. The timer is
/// made after the first poll that was pending. When the time runs out, the call is dropped before
/// the error is returned.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct TimeoutFuture<'p, Fut> {
    #[pin]
    state: State<Fut>,
    #[pin]
    expiry: Expiry,
    timeout: &'p Timeout,
    limit: Duration,
    attempt: Attempt,
}

#[pin_project(project = StateProjection)]
enum State<Fut> {
    Running(#[pin] Fut),
    /// Cut off; or never started, and then with the panic of the function that decides on limits.
    Over(Option<Box<Panicked>>),
}

impl<'p, Fut> TimeoutFuture<'p, Fut> {
    /// The call that `start` starts, within the limit of `attempt`.
    #[inline]
    pub(super) fn start(
        timeout: &'p Timeout,
        mut attempt: Attempt,
        start: impl FnOnce(Attempt) -> Fut,
    ) -> Self {
        let began = attempt.began();
        let (limit, state) = match timeout.limit.decide(&attempt) {
            Ok(limit) => {
                let span = Span { began, limit, outer: attempt.deadline() };
                (limit, State::Running(start(span.narrow(attempt))))
            }
            Err(report) => (Duration::ZERO, State::Over(Some(Box::new(timeout.panicked(report))))),
        };
        Self { state, expiry: Expiry::Unset, timeout, limit, attempt }
    }

    /// The panic of the function that decides on the limit, once.
    #[cold]
    #[inline(never)]
    fn refuse<T, E>(self: Pin<&mut Self>) -> Poll<Result<T, Error<E>>> {
        let StateProjection::Over(panicked) = self.project().state.project() else {
            return Poll::Pending;
        };
        let panicked = panicked.take().expect("a call was polled after it was cut off");
        Poll::Ready(Err(Error::Panicked(panicked)))
    }

    /// Cuts the call off once its time is up. Called after the call was pending.
    #[inline(never)]
    fn poll_expiry<T, E>(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        let mut this = self.project();
        let began = this.attempt.began();
        let span = Span { began, limit: *this.limit, outer: this.attempt.deadline() };
        ready!(this.expiry.poll(span, cx));
        // What the call holds goes back before the caller resumes.
        this.state.set(State::Over(None));
        Poll::Ready(Err(Error::TimedOut(this.timeout.cut_off(span, *this.attempt))))
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
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let StateProjection::Running(call) = self.as_mut().project().state.project() else {
            return self.refuse();
        };
        match call.poll(cx) {
            Poll::Ready(Ok(output)) => Poll::Ready(Ok(output)),
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Pending => self.poll_expiry(cx),
        }
    }
}

impl<Fut> fmt::Debug for TimeoutFuture<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutFuture")
            .field("timeout", self.timeout.name())
            .field("running", &matches!(self.state, State::Running(_)))
            .finish_non_exhaustive()
    }
}
