//! A deadline that code in a task can read.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use tokio::task::futures::TaskLocalFuture;

use super::Deadline;

tokio::task_local! {
    pub(super) static CURRENT: Deadline;
}

/// A future that runs with a [`Deadline`] to be [read](Deadline::current) anywhere in it.
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Scoped<Fut>(#[pin] State<Fut>);

#[pin_project(project = StateProjection, project_replace = StateOwned)]
#[derive(Debug)]
enum State<Fut> {
    /// Not polled yet. The surrounding scope is known at the first poll.
    Made(Deadline, Fut),
    Running(#[pin] TaskLocalFuture<Deadline, Fut>),
    /// Between the two.
    Moved,
}

impl<Fut> Scoped<Fut> {
    pub(super) const fn new(deadline: Deadline, future: Fut) -> Self {
        Self(State::Made(deadline, future))
    }
}

impl<Fut: Future> Future for Scoped<Fut> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        let mut state = self.project().0;
        if let StateProjection::Made(..) = state.as_mut().project()
            && let StateOwned::Made(own, future) = state.as_mut().project_replace(State::Moved)
        {
            let deadline = own.min(Deadline::current());
            state.set(State::Running(CURRENT.scope(deadline, future)));
        }
        match state.project() {
            StateProjection::Running(future) => future.poll(cx),
            _ => unreachable!("it was set running above"),
        }
    }
}
