//! A deadline that goes with a task.

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
pub struct Scoped<Fut>(#[pin] pub(super) TaskLocalFuture<Deadline, Fut>);

impl<Fut: Future> Future for Scoped<Fut> {
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Fut::Output> {
        self.project().0.poll(cx)
    }
}
