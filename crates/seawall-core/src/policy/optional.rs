use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project::pin_project;

use crate::{Attempt, Call, Description, Inspect, Listeners, Operation, Policy};

/// A policy that may be absent: `Optional(None)` does nothing, and the description does not mention
/// it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Optional<P>(pub Option<P>);

impl<P: Policy> Policy for Optional<P> {
    type Wrapped<'p, Op>
        = OptionalCall<P::Wrapped<'p, Op>, Op>
    where
        Self: 'p;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        OptionalCall(match &self.0 {
            Some(policy) => Either::Wrapped(policy.wrap(op)),
            None => Either::Bare(op),
        })
    }

    fn describe(&self, inner: Description) -> Description {
        match &self.0 {
            Some(policy) => policy.describe(inner),
            None => inner,
        }
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        if let Some(policy) = &self.0 {
            policy.inspect(each);
        }
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self(self.0.map(|policy| policy.heard_by(listeners)))
    }
}

/// An operation that an optional policy wraps, or the bare one where the policy is absent.
#[derive(Clone, Copy, Debug)]
pub struct OptionalCall<W, Op>(Either<W, Op>);

#[pin_project(project = EitherProjection)]
#[derive(Clone, Copy, Debug)]
enum Either<W, B> {
    Wrapped(#[pin] W),
    Bare(#[pin] B),
}

impl<W, Op> Call for OptionalCall<W, Op>
where
    W: Call,
    Op: Call<Output = W::Output, Error = W::Error>,
{
    type Output = W::Output;
    type Error = W::Error;
    type Future = OptionalFuture<W::Future, Op::Future>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        OptionalFuture(match self.0 {
            Either::Wrapped(call) => Either::Wrapped(call.start(attempt)),
            Either::Bare(call) => Either::Bare(call.start(attempt)),
        })
    }
}

impl<W, Op> Operation for OptionalCall<W, Op>
where
    W: Operation,
    Op: Operation<Output = W::Output, Error = W::Error>,
{
    type Output = W::Output;
    type Error = W::Error;
    type Future = OptionalFuture<W::Future, Op::Future>;

    #[expect(
        clippy::inline_always,
        reason = "40 instructions a call of a standard pipeline, by count"
    )]
    #[inline(always)]
    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        OptionalFuture(match &mut self.0 {
            Either::Wrapped(op) => Either::Wrapped(op.attempt(attempt)),
            Either::Bare(op) => Either::Bare(op.attempt(attempt)),
        })
    }

    fn is_repeatable(&self) -> bool {
        match &self.0 {
            Either::Wrapped(op) => op.is_repeatable(),
            Either::Bare(op) => op.is_repeatable(),
        }
    }
}

/// The future of an [`OptionalCall`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct OptionalFuture<W, Fut>(#[pin] Either<W, Fut>);

impl<W, Fut> Future for OptionalFuture<W, Fut>
where
    W: Future,
    Fut: Future<Output = W::Output>,
{
    type Output = W::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().0.project() {
            EitherProjection::Wrapped(future) => future.poll(cx),
            EitherProjection::Bare(future) => future.poll(cx),
        }
    }
}
