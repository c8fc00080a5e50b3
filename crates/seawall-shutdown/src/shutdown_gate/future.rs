use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use seawall_core::{Attempt, Call, Error, Operation, Rejection};

use super::ShutdownGate;
use crate::InFlightGuard;

/// A call behind a [`ShutdownGate`].
#[derive(Clone, Debug)]
pub struct ShutdownGateCall<'p, Op> {
    pub(super) gate: &'p ShutdownGate,
    pub(super) op: Op,
}

impl<'p, Op: Call> Call for ShutdownGateCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = ShutdownGateFuture<'p, Op::Future>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        match self.gate.try_acquire() {
            Ok(guard) => ShutdownGateFuture::admitted(guard, || self.op.start(attempt)),
            Err(rejection) => ShutdownGateFuture::refused(rejection),
        }
    }
}

impl<'p, Op: Operation> Operation for ShutdownGateCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = ShutdownGateFuture<'p, Op::Future>;

    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        match self.gate.try_acquire() {
            Ok(guard) => ShutdownGateFuture::admitted(guard, || self.op.attempt(attempt)),
            Err(rejection) => ShutdownGateFuture::refused(rejection),
        }
    }
}

/// The future of a call behind a [`ShutdownGate`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct ShutdownGateFuture<'p, Fut> {
    #[pin]
    state: State<'p, Fut>,
}

// Private, so that what a call holds is nobody else's business.
#[pin_project(project = StateProjection)]
#[derive(Debug)]
enum State<'p, Fut> {
    // Declared in this order, so that the call is dropped before it is counted out.
    Running {
        #[pin]
        future: Fut,
        _guard: Option<InFlightGuard<'p>>,
    },
    Refused(Option<Rejection>),
}

impl<'p, Fut> ShutdownGateFuture<'p, Fut> {
    #[inline]
    fn admitted(guard: Option<InFlightGuard<'p>>, start: impl FnOnce() -> Fut) -> Self {
        Self { state: State::Running { future: start(), _guard: guard } }
    }

    #[cold]
    fn refused(rejection: Rejection) -> Self {
        Self { state: State::Refused(Some(rejection)) }
    }
}

impl<Fut, T, E> Future for ShutdownGateFuture<'_, Fut>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Fut::Output;

    /// # Panics
    ///
    /// When polled again after it gave a rejection.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            StateProjection::Running { future, .. } => future.poll(cx),
            StateProjection::Refused(rejection) => match rejection.take() {
                Some(rejection) => Poll::Ready(Err(rejection.into())),
                None => panic!("a call was polled after it was over"),
            },
        }
    }
}
