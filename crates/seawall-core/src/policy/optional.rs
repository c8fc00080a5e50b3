use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;

use crate::{Attempt, Call, Operation};

/// An operation that an optional policy wraps, or the bare one where the policy is absent.
#[derive(Clone, Copy, Debug)]
pub enum Optional<W, Op> {
    /// The policy is there.
    Wrapped(W),
    /// The policy is absent.
    Bare(Op),
}

impl<W, Op> Call for Optional<W, Op>
where
    W: Call,
    Op: Call<Output = W::Output, Error = W::Error>,
{
    type Output = W::Output;
    type Error = W::Error;
    type Future = OptionalFuture<W::Future, Op::Future>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        match self {
            Self::Wrapped(call) => OptionalFuture::Wrapped(call.start(attempt)),
            Self::Bare(call) => OptionalFuture::Bare(call.start(attempt)),
        }
    }
}

impl<W, Op> Operation for Optional<W, Op>
where
    W: Operation,
    Op: Operation<Output = W::Output, Error = W::Error>,
{
    type Output = W::Output;
    type Error = W::Error;
    type Future = OptionalFuture<W::Future, Op::Future>;

    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        match self {
            Self::Wrapped(op) => OptionalFuture::Wrapped(op.attempt(attempt)),
            Self::Bare(op) => OptionalFuture::Bare(op.attempt(attempt)),
        }
    }
}

/// The future of an [`Optional`] operation.
#[pin_project(project = OptionalProjection)]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub enum OptionalFuture<W, Fut> {
    /// The policy is there.
    Wrapped(#[pin] W),
    /// The policy is absent.
    Bare(#[pin] Fut),
}

impl<W, Fut> Future for OptionalFuture<W, Fut>
where
    W: Future,
    Fut: Future<Output = W::Output>,
{
    type Output = W::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            OptionalProjection::Wrapped(future) => future.poll(cx),
            OptionalProjection::Bare(future) => future.poll(cx),
        }
    }
}
