use std::fmt;
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
        = OptionalCall<'p, P, Op>
    where
        Self: 'p;

    const CAN_BLOCK: bool = P::CAN_BLOCK;

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
// Has the operation's type in it once: in the check whether a future is `Send`, each place has lifetimes
// of its own, and `Err("down")` in one would not be that in the other.
pub struct OptionalCall<'p, P: Policy + 'p, Op>(Either<P::Wrapped<'p, Op>, Op>);

#[pin_project(project = EitherProjection)]
#[derive(Clone, Copy, Debug)]
enum Either<W, B> {
    Wrapped(#[pin] W),
    Bare(#[pin] B),
}

impl<'p, P, Op> Call for OptionalCall<'p, P, Op>
where
    P: Policy,
    P::Wrapped<'p, Op>: Call,
    Op: Call<
            Output = <P::Wrapped<'p, Op> as Call>::Output,
            Error = <P::Wrapped<'p, Op> as Call>::Error,
        >,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = OptionalFuture<<P::Wrapped<'p, Op> as Call>::Future, Op::Future>;

    fn start(self, attempt: Attempt) -> Self::Future {
        OptionalFuture(match self.0 {
            Either::Wrapped(call) => Either::Wrapped(call.start(attempt)),
            Either::Bare(call) => Either::Bare(call.start(attempt)),
        })
    }
}

impl<'p, P, Op> Operation for OptionalCall<'p, P, Op>
where
    P: Policy,
    P::Wrapped<'p, Op>: Operation,
    Op: Operation<
            Output = <P::Wrapped<'p, Op> as Operation>::Output,
            Error = <P::Wrapped<'p, Op> as Operation>::Error,
        >,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = OptionalFuture<<P::Wrapped<'p, Op> as Operation>::Future, Op::Future>;

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

impl<'p, P: Policy, Op: Clone> Clone for OptionalCall<'p, P, Op>
where
    P::Wrapped<'p, Op>: Clone,
{
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<P: Policy, Op> fmt::Debug for OptionalCall<'_, P, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Either::Wrapped(_) => "OptionalCall::Wrapped",
            Either::Bare(_) => "OptionalCall::Bare",
        })
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

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().0.project() {
            EitherProjection::Wrapped(future) => future.poll(cx),
            EitherProjection::Bare(future) => future.poll(cx),
        }
    }
}
