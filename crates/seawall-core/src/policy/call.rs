use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use crate::class::failed::Failure;
use crate::operation::Classed;
use crate::{Attempt, Call, Error, Policy};

/// An operation behind a policy, wrapped when the call starts: the outermost step of a call.
///
/// An `Ok` that the classifier called a failure is one again for the caller.
#[derive(Clone, Copy, Debug)]
pub struct PolicyCall<'p, P: ?Sized, Op> {
    policy: &'p P,
    operation: Op,
}

impl<'p, P: ?Sized, Op> PolicyCall<'p, P, Op> {
    /// `operation` behind `policy`.
    #[inline]
    pub const fn new(policy: &'p P, operation: Op) -> Self {
        Self { policy, operation }
    }
}

impl<'p, P, Op> Call for PolicyCall<'p, P, Op>
where
    P: Policy + ?Sized,
    Op: Classed,
    P::Wrapped<'p, Op>: Call<Output = Op::Answer, Error: Failure<Op::Answer, Op::Error>>,
{
    type Output = Op::Answer;
    type Error = Op::Error;
    type Future = PolicyFuture<<P::Wrapped<'p, Op> as Call>::Future, Op::Error>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        let future = self.policy.wrap(self.operation).start(attempt);
        PolicyFuture { future, error: PhantomData }
    }
}

/// A call behind a policy, made by [`PolicyCall`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct PolicyFuture<Fut, E> {
    #[pin]
    future: Fut,
    error: PhantomData<fn() -> E>,
}

impl<Fut, T, X, E> Future for PolicyFuture<Fut, E>
where
    Fut: Future<Output = Result<T, Error<X>>>,
    X: Failure<T, E>,
{
    type Output = Result<T, Error<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(self.project().future.poll(cx)) {
            Ok(output) => Poll::Ready(Ok(output)),
            Err(error) => Poll::Ready(X::settle(error)),
        }
    }
}
