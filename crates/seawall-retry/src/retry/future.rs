//! A call with a retry around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{Attempt, ColdOption, Error, Operation, Verdict};

use super::Retry;
use super::state::{Kept, Next, RetryState};

/// A call with a [`Retry`] around it.
///
/// Holds the attempt that is under way in place. What has to be kept between attempts, such as a
/// timer, is in a box that most calls never allocate.
#[pin_project(project = RetryProjection)]
#[must_use = "futures do nothing unless polled"]
pub struct RetryFuture<'p, Op: Operation> {
    retry: &'p Retry,
    op: Op,
    // The last that was started. It began when the call was first found to wait for anything.
    attempt: Attempt,
    // Dropped in this order: an attempt before the place that it has in flight.
    #[pin]
    future: Option<Op::Future>,
    // Whether calls inside must not pay into the budget.
    paid: bool,
    kept: ColdOption<Box<Kept<'p, Op::Error>>>,
}

impl<'p, Op: Operation> RetryFuture<'p, Op> {
    #[inline]
    pub(super) fn start(retry: &'p Retry, mut op: Op, attempt: Attempt) -> Self {
        let attempt = retry.first(attempt);
        let paid = retry.shared.pay_in();
        let future = Some(op.attempt(attempt));
        Self { retry, op, attempt: attempt.restart_clock(), future, paid, kept: ColdOption::none() }
    }
}

impl<Op> Future for RetryFuture<'_, Op>
where
    Op: Operation,
{
    type Output = Result<Op::Output, Error<Op::Error>>;

    /// # Panics
    ///
    /// When polled after it was ready, and outside of a tokio runtime with a timer when there is a
    /// delay to wait for.
    // Everything that may happen after a failure is out of line and takes parts of this future by
    // value: a reference would keep all of it in memory on the path of a call that succeeds at once.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(wait) = this.kept.as_mut().and_then(|kept| kept.wait.as_mut()) {
            let waited = ready!(wait.as_mut().poll(cx));
            match this.state().after_wait(this.retry, *this.attempt, waited) {
                Ok((state, verdict)) => this.start_next(state, verdict),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        loop {
            let Some(future) = this.future.as_mut().as_pin_mut() else {
                panic!("a retry was polled after it was over")
            };
            let inside = if *this.paid { this.retry.shared.mark() } else { None };
            let polled = future.poll(cx);
            // Dropped in each arm: after a drop for all of them, a small output lies in memory.
            let failed = match polled {
                Poll::Ready(Ok(output)) => {
                    drop(inside);
                    return Poll::Ready(Ok(output));
                }
                Poll::Ready(Err(error)) => {
                    drop(inside);
                    error
                }
                Poll::Pending => {
                    drop(inside);
                    this.attempt.began();
                    if this.kept.as_ref().is_none() && this.retry.counts_in_flight() {
                        let state = RetryState::in_flight(this.retry);
                        this.keep(state);
                    }
                    return Poll::Pending;
                }
            };
            // What the attempt holds goes back before anything else.
            this.future.set(None);
            let is_repeatable = this.op.is_repeatable();
            match this.state().after(this.retry, *this.attempt, failed, is_repeatable, cx) {
                Next::Attempt(state, verdict) => this.start_next(state, verdict),
                Next::Wait(state, began) => {
                    *this.attempt = this.attempt.beginning_at(began);
                    this.keep(state);
                    return Poll::Pending;
                }
                Next::Done(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl<'p, Op: Operation> RetryProjection<'_, 'p, Op> {
    #[inline]
    fn state(&mut self) -> RetryState<'p, Op::Error> {
        RetryState { kept: self.kept.take() }
    }

    #[inline]
    fn keep(&mut self, state: RetryState<'p, Op::Error>) {
        if let Some(kept) = state.kept {
            self.kept.put(kept);
        }
    }

    #[inline]
    fn start_next(&mut self, state: RetryState<'p, Op::Error>, last: Verdict) {
        self.keep(state);
        *self.attempt = self.attempt.next(last);
        *self.paid = self.retry.budget().is_some();
        self.future.set(Some(self.op.attempt(self.attempt.restart_clock())));
    }
}

impl<Op: Operation> fmt::Debug for RetryFuture<'_, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture")
            .field("retry", &self.retry.name())
            .field("attempt", &self.attempt.number())
            .finish_non_exhaustive()
    }
}
