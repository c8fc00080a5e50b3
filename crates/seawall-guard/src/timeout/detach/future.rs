//! A call whose work goes on when the time is up.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use seawall_core::{AllTransient, Attempt, Call, Error, FromFuture, OperationFuture};
use tokio::time::Instant;

use super::super::expiry::Expiry;
use super::super::plan::Span;
use super::{Detach, task};

/// Boxed, as only a box can move from the caller to a task.
pub(super) type Boxed<Fut> = Pin<Box<OperationFuture<'static, Fut, AllTransient>>>;

/// A call whose work goes on when the time is up.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct DetachCall<'p, Fut> {
    state: State<Fut>,
    #[pin]
    expiry: Expiry,
    detach: &'p Detach,
}

enum State<Fut> {
    Idle(Fut),
    Running(Boxed<Fut>, Instant),
    Over,
}

impl<'p, Fut> DetachCall<'p, Fut> {
    pub(super) const fn new(detach: &'p Detach, work: Fut) -> Self {
        Self { state: State::Idle(work), expiry: Expiry::Unset, detach }
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
        let this = self.project();
        let (mut work, began) = match std::mem::replace(this.state, State::Over) {
            State::Idle(work) => {
                let call = FromFuture::new(work, &AllTransient).start(Attempt::first());
                (Box::pin(call), Instant::now())
            }
            State::Running(work, began) => (work, began),
            State::Over => panic!("a call was polled after it was over"),
        };
        if let Poll::Ready(outcome) = work.as_mut().poll(cx) {
            return Poll::Ready(outcome);
        }
        let timeout = &this.detach.timeout;
        let span = Span { began, limit: this.detach.limit, outer: None };
        if this.expiry.poll(span, cx).is_pending() {
            *this.state = State::Running(work, began);
            return Poll::Pending;
        }
        task::detach(this.detach, work);
        Poll::Ready(Err(Error::TimedOut(timeout.cut_off(span, Attempt::first()))))
    }
}

impl<Fut> fmt::Debug for DetachCall<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachCall")
            .field("detach", self.detach.timeout.name())
            .field("over", &matches!(self.state, State::Over))
            .finish_non_exhaustive()
    }
}
