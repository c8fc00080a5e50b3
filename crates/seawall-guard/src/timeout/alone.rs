//! A future with a timeout and nothing else around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{AllTransient, Attempt, Call, Error, FromFuture, OperationFuture};
use tokio::time::Instant;

use super::Timeout;
use super::future::Timed;

/// A future with a [`Timeout`] around it, without a pipeline: `timeout.call(future)`.
///
/// It keeps less than a call of a pipeline, which has an attempt with a deadline. The time counts
/// from the first poll, and the future is dropped before its outcome is returned.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct TimeoutAlone<'p, Fut> {
    #[pin]
    timed: Timed<OperationFuture<'static, Fut, AllTransient>>,
    timeout: &'p Timeout,
    began: Option<Instant>,
    /// That of this call, once it was pending.
    limit: Option<Duration>,
}

impl<'p, Fut, T, E> TimeoutAlone<'p, Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    pub(super) fn new(timeout: &'p Timeout, future: Fut) -> Self {
        let call = FromFuture::new(future, &AllTransient).start(Attempt::first());
        Self { timed: Timed::new(call), timeout, began: None, limit: None }
    }

    #[inline(never)]
    fn poll_pending(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        let this = self.project();
        let attempt = attempt(*this.began);
        // Asked for once, and not for a call that is ready at once.
        let limit = *this.limit.get_or_insert_with(|| this.timeout.limit_of(&attempt));
        this.timed.cut_off(this.timeout, limit, attempt, cx)
    }
}

fn attempt(began: Option<Instant>) -> Attempt {
    began.map_or(Attempt::first(), |began| Attempt::first().beginning_at(began))
}

impl<Fut, T, E> Future for TimeoutAlone<'_, Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        let call = this.timed.as_mut().call();
        if this.began.is_none() {
            *this.began = Some(Instant::now());
        }
        match call.poll(cx) {
            Poll::Ready(Ok(output)) => {
                this.timed.end();
                Poll::Ready(Ok(output))
            }
            Poll::Ready(Err(error)) => this.timed.fail(error),
            Poll::Pending => self.poll_pending(cx),
        }
    }
}

impl<Fut> fmt::Debug for TimeoutAlone<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutAlone")
            .field("timeout", self.timeout.name())
            .field("running", &self.timed.is_running())
            .finish_non_exhaustive()
    }
}
