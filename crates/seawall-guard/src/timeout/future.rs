//! A call that is cut off in time.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use seawall_core::{Attempt, Error, TimedOut};
use tokio::task::coop;
use tokio::time::Instant;

use super::expiry::Expiry;
use super::plan::Plan;
use super::{Timeout, event};

/// A call with a [`Timeout`] around it.
///
/// The call is polled first, so an outcome that is there when the time runs out wins. The timer
/// is made when the call was pending for the first time. When the time runs out, the call is
/// dropped before the error is returned.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct TimeoutFuture<'p, Fut, E> {
    #[pin]
    state: State<Fut, E>,
    #[pin]
    expiry: Expiry,
    timeout: &'p Timeout,
}

#[pin_project(project = StateProjection, project_replace = StateOwned)]
enum State<Fut, E> {
    Running {
        #[pin]
        call: Fut,
        plan: Plan,
        attempt: Attempt,
    },
    Failed(Error<E>),
    Done,
}

impl<'p, Fut, E> TimeoutFuture<'p, Fut, E> {
    #[inline]
    pub(super) fn new(call: Fut, timeout: &'p Timeout, plan: Plan, attempt: Attempt) -> Self {
        Self { state: State::Running { call, plan, attempt }, expiry: Expiry::Unset, timeout }
    }

    #[cold]
    pub(super) fn failed(error: Error<E>, timeout: &'p Timeout) -> Self {
        Self { state: State::Failed(error), expiry: Expiry::Unset, timeout }
    }
}

impl<Fut, T, E> Future for TimeoutFuture<'_, Fut, E>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let had_budget = coop::has_budget_remaining();
        let StateProjection::Running { call, plan, attempt } = this.state.as_mut().project() else {
            return Poll::Ready(Err(take_failure(this.state)));
        };
        if let Poll::Ready(outcome) = call.poll(cx) {
            this.state.set(State::Done);
            return Poll::Ready(outcome);
        }
        let (plan, attempt) = (*plan, *attempt);
        let over = plan
            .due
            .is_some_and(|due| this.expiry.poll_at(plan.began, due, had_budget, cx).is_ready());
        if !over {
            return Poll::Pending;
        }
        // What the call holds goes back before the caller resumes.
        this.state.set(State::Done);
        Poll::Ready(Err(Error::TimedOut(cut_off(this.timeout, plan, attempt))))
    }
}

#[cold]
fn take_failure<Fut, E>(state: Pin<&mut State<Fut, E>>) -> Error<E> {
    match state.project_replace(State::Done) {
        StateOwned::Failed(error) => error,
        _ => panic!("a call with a timeout was polled after it was over"),
    }
}

#[cold]
fn cut_off(timeout: &Timeout, plan: Plan, attempt: Attempt) -> TimedOut {
    let now = Instant::now();
    let error = TimedOut::new(
        timeout.name.clone(),
        timeout.scope,
        plan.by,
        plan.limit,
        now.saturating_duration_since(plan.began),
        attempt,
    );
    event::timed_out(timeout, now, &error);
    error
}

impl<Fut, E> std::fmt::Debug for TimeoutFuture<'_, Fut, E> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TimeoutFuture")
            .field("timeout", &self.timeout.name)
            .field("running", &matches!(self.state, State::Running { .. }))
            .finish_non_exhaustive()
    }
}
