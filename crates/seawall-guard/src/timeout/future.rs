//! A call that is cut off in time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{Attempt, Error, Panicked, TimedOut};
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
pub struct TimeoutFuture<'p, Fut> {
    #[pin]
    state: State<Fut>,
    #[pin]
    expiry: Expiry,
    timeout: &'p Timeout,
    /// As it came from further out. It says when the call began, once it has.
    attempt: Attempt,
    /// What the timeout's function said, where it has one, once the call has begun.
    limit: Option<Duration>,
}

#[pin_project(project = StateProjection, project_replace = StateOwned)]
enum State<Fut> {
    Running(#[pin] Fut),
    /// Over; with what is still to be told, where the function that decides on limits panicked.
    Over(Option<Box<Panicked>>),
}

impl<'p, Fut> TimeoutFuture<'p, Fut> {
    /// A call that begins when it is first polled, unless `attempt` says that it has begun.
    #[inline]
    pub(super) fn new(
        timeout: &'p Timeout,
        call: Fut,
        attempt: Attempt,
        limit: Option<Duration>,
    ) -> Self {
        let state = State::Running(call);
        Self { state, expiry: Expiry::Unset, timeout, attempt, limit }
    }

    /// A call that was not started.
    #[cold]
    pub(super) fn failed(timeout: &'p Timeout, panicked: Box<Panicked>) -> Self {
        let state = State::Over(Some(panicked));
        Self { state, expiry: Expiry::Unset, timeout, attempt: Attempt::first(), limit: None }
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
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let StateProjection::Running(call) = this.state.as_mut().project() else {
            return match this.state.project_replace(State::Over(None)) {
                StateOwned::Over(Some(panicked)) => Poll::Ready(Err(Error::Panicked(panicked))),
                _ => over(),
            };
        };
        if let Err(panicked) = this.timeout.begin(this.attempt, this.limit) {
            this.state.set(State::Over(None));
            return Poll::Ready(Err(Error::Panicked(panicked)));
        }
        let had_budget = this.expiry.as_ref().has_budget();
        if let Poll::Ready(outcome) = call.poll(cx) {
            // What the call holds goes back before the caller resumes.
            this.state.set(State::Over(None));
            return Poll::Ready(outcome);
        }
        let limit = this.timeout.limit_of(*this.limit);
        if poll_expiry(this.expiry, *this.attempt, limit, had_budget, cx).is_pending() {
            return Poll::Pending;
        }
        this.state.set(State::Over(None));
        Poll::Ready(Err(Error::TimedOut(cut_off(this.timeout, *this.attempt, limit))))
    }
}

#[inline(never)]
fn poll_expiry(
    expiry: Pin<&mut Expiry>,
    mut attempt: Attempt,
    limit: Duration,
    had_budget: bool,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let plan = Plan::new(&mut attempt, limit);
    match plan.due {
        Some(due) => expiry.poll_at(plan.began, due, had_budget, cx),
        None => Poll::Pending,
    }
}

#[cold]
fn over() -> ! {
    panic!("a call with a timeout was polled after it was over")
}

#[cold]
fn cut_off(timeout: &Timeout, mut attempt: Attempt, limit: Duration) -> TimedOut {
    let plan = Plan::new(&mut attempt, limit);
    let now = Instant::now();
    let elapsed = now.saturating_duration_since(plan.began);
    let name = timeout.name.clone();
    let error = TimedOut::new(name, timeout.scope, plan.by, limit, elapsed, attempt);
    event::timed_out(timeout, now, &error);
    error
}

impl<Fut> fmt::Debug for TimeoutFuture<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutFuture")
            .field("timeout", &self.timeout.name)
            .field("running", &matches!(self.state, State::Running(_)))
            .finish_non_exhaustive()
    }
}
