//! The boxed future of a call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use seawall::Error;

/// A call of a [`PipelineService`](crate::PipelineService). It does nothing before it is first polled,
/// and gives back whatever the policies hold for it when it is dropped, at any point.
#[must_use = "futures do nothing unless polled"]
pub struct ResponseFuture<T, E>(Pin<Box<Outcome<T, E>>>);

type Outcome<T, E> = dyn Future<Output = Result<T, Error<E>>> + Send;

impl<T, E> ResponseFuture<T, E> {
    pub(crate) fn new(call: Pin<Box<Outcome<T, E>>>) -> Self {
        Self(call)
    }
}

impl<T, E> Future for ResponseFuture<T, E> {
    type Output = Result<T, Error<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl<T, E> fmt::Debug for ResponseFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
