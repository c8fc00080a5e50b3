//! Futures that a test polls itself.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

pub(crate) struct ByHand<F: Future>(Pin<Box<F>>);

pub(crate) fn by_hand<F: Future>(future: F) -> ByHand<F> {
    ByHand(Box::pin(future))
}

impl<F: Future> ByHand<F> {
    /// One poll.
    pub(crate) fn poll(&mut self) -> Option<F::Output> {
        match self.0.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(output) => Some(output),
            Poll::Pending => None,
        }
    }

    /// One poll that has to be the last.
    pub(crate) fn ready(&mut self) -> F::Output {
        self.poll().expect("it is ready")
    }
}
