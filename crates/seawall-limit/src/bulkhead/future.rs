use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use seawall_core::{Admission, Rejection};

use super::{Bulkhead, Permit};
use crate::semaphore::Wait;

/// A call that waits for its [`Permit`], made by [`Bulkhead::acquire`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in the queue; a permit that was granted in between goes to the
/// next waiter.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Acquire<'b> {
    bulkhead: &'b Bulkhead,
    state: State<'b>,
}

#[derive(Debug)]
enum State<'b> {
    New,
    // Boxed: only calls that wait get here, and the futures of calls that don't stay small.
    Waiting(Box<Wait<'b>>),
    Over,
}

impl<'b> Acquire<'b> {
    pub(super) const fn new(bulkhead: &'b Bulkhead) -> Self {
        Self { bulkhead, state: State::New }
    }

    pub(super) fn waiting(bulkhead: &'b Bulkhead, wait: Wait<'b>) -> Self {
        Self { bulkhead, state: State::Waiting(Box::new(wait)) }
    }
}

impl<'b> Future for Acquire<'b> {
    type Output = Result<Permit<'b>, Rejection>;

    /// # Panics
    ///
    /// When polled after it was ready, or outside a tokio runtime with a timer if it has to wait
    /// and the wait is limited.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let bulkhead = self.bulkhead;
        if let State::New = self.state {
            self.state = State::Over;
            match bulkhead.acquire_by(None) {
                Admission::Granted(()) => return Poll::Ready(Ok(Permit::new(bulkhead))),
                Admission::Refused(rejection) => return Poll::Ready(Err(rejection)),
                Admission::Waiting(wait) => self.state = State::Waiting(Box::new(wait)),
            }
        }
        let State::Waiting(wait) = &mut self.state else {
            panic!("an acquire was polled after it was ready");
        };
        Poll::Ready(ready!(Pin::new(wait.as_mut()).poll(cx)).map(|()| Permit::new(bulkhead)))
    }
}
