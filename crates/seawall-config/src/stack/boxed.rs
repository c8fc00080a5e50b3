//! Operations and calls on the heap.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use seawall::{Attempt, Call, Error, Operation};

/// The future of a call.
pub(super) type Running<'l, T, E> = Pin<Box<dyn Future<Output = Result<T, Error<E>>> + Send + 'l>>;

/// An operation whose type is erased.
pub struct BoxedOperation<'l, T, E>(Box<dyn AnyOperation<'l, T, E> + Send + 'l>);

trait AnyOperation<'l, T, E> {
    fn attempt(&mut self, attempt: Attempt) -> Running<'l, T, E>;
    fn is_repeatable(&self) -> bool;
}

impl<'l, Op> AnyOperation<'l, Op::Output, Op::Error> for Op
where
    Op: Operation<Future: Send + 'l>,
{
    fn attempt(&mut self, attempt: Attempt) -> Running<'l, Op::Output, Op::Error> {
        Box::pin(Operation::attempt(self, attempt))
    }

    fn is_repeatable(&self) -> bool {
        Operation::is_repeatable(self)
    }
}

impl<'l, T, E> BoxedOperation<'l, T, E> {
    pub(super) fn new<Op>(operation: Op) -> Self
    where
        Op: Operation<Output = T, Error = E, Future: Send + 'l> + Send + 'l,
    {
        Self(Box::new(operation))
    }
}

impl<'l, T, E> Operation for BoxedOperation<'l, T, E> {
    type Output = T;
    type Error = E;
    type Future = Running<'l, T, E>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        self.0.attempt(attempt)
    }

    fn is_repeatable(&self) -> bool {
        self.0.is_repeatable()
    }
}

type Start<'l, T, E> = dyn FnOnce(Attempt) -> Running<'l, T, E> + Send + 'l;

/// A call whose type is erased.
pub struct BoxedCall<'l, T, E>(Box<Start<'l, T, E>>);

impl<'l, T, E> BoxedCall<'l, T, E> {
    /// The operation's one attempt, where nothing repeats it.
    pub(super) fn once(operation: BoxedOperation<'l, T, E>) -> Self
    where
        T: 'l,
        E: 'l,
    {
        let mut operation = operation;
        Self(Box::new(move |attempt| operation.0.attempt(attempt)))
    }

    pub(super) fn new<C>(call: C) -> Self
    where
        C: Call<Output = T, Error = E, Future: Send + 'l> + Send + 'l,
    {
        Self(Box::new(move |attempt| Box::pin(call.start(attempt))))
    }
}

impl<'l, T, E> Call for BoxedCall<'l, T, E> {
    type Output = T;
    type Error = E;
    type Future = Running<'l, T, E>;

    fn start(self, attempt: Attempt) -> Self::Future {
        (self.0)(attempt)
    }
}

impl<T, E> fmt::Debug for BoxedOperation<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxedOperation")
    }
}

impl<T, E> fmt::Debug for BoxedCall<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxedCall")
    }
}
