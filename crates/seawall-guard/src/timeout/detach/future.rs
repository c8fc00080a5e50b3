//! A call whose work goes on when the time is up.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{AllTransient, Attempt, Call, Error, FromFuture, OperationFuture, TimedOutBy};
use tokio::time::Instant;

use super::super::Timeout;
use super::super::expiry::Expiry;
use super::super::future::cut_off;
use super::super::plan::Due;
use super::{Detach, detached};

/// Boxed, as only a box can move from the caller to a task.
pub(super) type Boxed<Fut> = Pin<Box<OperationFuture<'static, Fut, AllTransient>>>;

/// A call whose work goes on when the time is up.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct DetachCall<'p, Fut> {
    work: Option<Boxed<Fut>>,
    #[pin]
    expiry: Expiry,
    began: Option<Instant>,
    detach: &'p Detach,
}

impl<'p, Fut, T, E> DetachCall<'p, Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    pub(super) fn new(detach: &'p Detach, work: Fut) -> Self {
        let work = FromFuture::new(work, &AllTransient).start(Attempt::first());
        let work = Some(Box::pin(work));
        Self { work, expiry: Expiry::Unset, began: None, detach }
    }
}

impl<Fut, T, E> Future for DetachCall<'_, Fut>
where
    Fut: Future<Output = Result<T, E>> + Send + 'static,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(work) = this.work.as_mut() else {
            panic!("a call that was detached or over was polled again");
        };
        let began = *this.began.get_or_insert_with(Instant::now);
        if let Poll::Ready(outcome) = work.as_mut().poll(cx) {
            *this.work = None;
            return Poll::Ready(outcome);
        }
        let Timeout { identity, limit } = &this.detach.timeout;
        let due = || Due::of(began, *limit, None);
        ready!(this.expiry.as_mut().poll_at(due, cx));
        ready!(this.expiry.poll_last_chance(due(), cx));
        if let Some(work) = this.work.take() {
            detached::go_on(this.detach, work);
        }
        let error = cut_off(identity, began, TimedOutBy::Limit, *limit, Attempt::first());
        Poll::Ready(Err(Error::TimedOut(error)))
    }
}

impl<Fut> fmt::Debug for DetachCall<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachCall")
            .field("detach", self.detach.timeout.name())
            .field("running", &self.work.is_some())
            .finish_non_exhaustive()
    }
}
