//! Policies whose types do not say what they are around, so that chance can stack them.

use std::future::Future;
use std::pin::Pin;

use seawall::{Attempt, Call, Error, Operation, Policy};

use crate::operation::Fault;

pub(crate) type Outcome = Result<u32, Error<Fault>>;
pub(crate) type Boxed<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

pub(crate) struct AnyOperation<'a>(pub(crate) Box<dyn FnMut(Attempt) -> Boxed<'a> + 'a>);
pub(crate) struct AnyCall<'a>(pub(crate) Box<dyn FnOnce(Attempt) -> Boxed<'a> + 'a>);

/// What a policy is put around: an operation, until something repeats it.
pub(crate) enum Any<'a> {
    Operation(AnyOperation<'a>),
    Call(AnyCall<'a>),
}

impl<'a> Operation for AnyOperation<'a> {
    type Output = u32;
    type Error = Fault;
    type Future = Boxed<'a>;

    fn attempt(&mut self, attempt: Attempt) -> Boxed<'a> {
        (self.0)(attempt)
    }
}

impl<'a> Call for AnyOperation<'a> {
    type Output = u32;
    type Error = Fault;
    type Future = Boxed<'a>;

    fn start(mut self, attempt: Attempt) -> Boxed<'a> {
        (self.0)(attempt)
    }
}

impl<'a> Call for AnyCall<'a> {
    type Output = u32;
    type Error = Fault;
    type Future = Boxed<'a>;

    fn start(self, attempt: Attempt) -> Boxed<'a> {
        (self.0)(attempt)
    }
}

impl<'a> Call for Any<'a> {
    type Output = u32;
    type Error = Fault;
    type Future = Boxed<'a>;

    fn start(self, attempt: Attempt) -> Boxed<'a> {
        match self {
            Any::Operation(operation) => operation.start(attempt),
            Any::Call(call) => call.start(attempt),
        }
    }
}

/// A policy around anything.
pub(crate) trait AnyPolicy {
    fn around<'p>(&'p self, inner: Any<'p>) -> Any<'p>;
}

/// A policy that starts what it is around once.
pub(crate) struct Starts<P>(pub(crate) P);

/// A policy that repeats what it is around.
pub(crate) struct Repeats<P>(pub(crate) P);

impl<P> AnyPolicy for Starts<P>
where
    P: Policy + 'static,
    for<'p> P::Wrapped<'p, AnyOperation<'p>>: Operation<Output = u32, Error = Fault>,
    for<'p> P::Wrapped<'p, AnyCall<'p>>: Call<Output = u32, Error = Fault>,
{
    fn around<'p>(&'p self, inner: Any<'p>) -> Any<'p> {
        match inner {
            Any::Operation(operation) => {
                let mut wrapped = self.0.wrap(operation);
                let attempt = move |attempt| -> Boxed<'p> { Box::pin(wrapped.attempt(attempt)) };
                Any::Operation(AnyOperation(Box::new(attempt)))
            }
            Any::Call(call) => {
                let wrapped = self.0.wrap(call);
                let start = move |attempt| -> Boxed<'p> { Box::pin(wrapped.start(attempt)) };
                Any::Call(AnyCall(Box::new(start)))
            }
        }
    }
}

impl<P> AnyPolicy for Repeats<P>
where
    P: Policy + 'static,
    for<'p> P::Wrapped<'p, AnyOperation<'p>>: Call<Output = u32, Error = Fault>,
{
    fn around<'p>(&'p self, inner: Any<'p>) -> Any<'p> {
        let Any::Operation(operation) = inner else { panic!("what repeats is not repeated") };
        let wrapped = self.0.wrap(operation);
        Any::Call(AnyCall(Box::new(move |attempt| -> Boxed<'p> {
            Box::pin(wrapped.start(attempt))
        })))
    }
}
