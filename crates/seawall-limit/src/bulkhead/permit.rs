use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use seawall_core::{Error, Rejection};

use super::Bulkhead;
use crate::admission::Settle;
use crate::semaphore::{Arrival, Wait};

/// A call's right to be in flight. Dropping it, at any point, gives it back.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once protects nothing"]
pub struct Permit<'b> {
    bulkhead: &'b Bulkhead,
}

/// A [`Permit`] that borrows nothing, to be moved into a task.
#[derive(Debug)]
#[must_use = "a permit that is dropped at once protects nothing"]
pub struct OwnedPermit {
    bulkhead: Bulkhead,
}

impl<'b> Permit<'b> {
    #[inline]
    pub(super) const fn new(bulkhead: &'b Bulkhead) -> Self {
        Self { bulkhead }
    }

    /// How many places it takes.
    pub const fn weight(&self) -> u32 {
        self.bulkhead.weight()
    }

    /// This permit, borrowing nothing.
    pub fn into_owned(self) -> OwnedPermit {
        let owned = OwnedPermit { bulkhead: self.bulkhead.clone() };
        // Its place is the owned one's now.
        mem::forget(self);
        owned
    }
}

impl OwnedPermit {
    /// How many places it takes.
    pub const fn weight(&self) -> u32 {
        self.bulkhead.weight()
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        self.bulkhead.leave();
    }
}

impl Drop for OwnedPermit {
    fn drop(&mut self) {
        self.bulkhead.leave();
    }
}

impl Settle for Permit<'_> {
    #[inline]
    fn succeeded(self) {}

    #[inline]
    fn failed<E>(self, _: &Error<E>) {}
}

/// A call that waits for its [`Permit`], made by [`Bulkhead::acquire`].
///
/// # Cancel safety
///
/// Dropping it gives up the place in the queue; a permit that was granted meanwhile goes to the
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
    // Boxed: only what has to wait gets here, and the futures of calls that don't stay small.
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
            match bulkhead.enter(None) {
                Arrival::Entered => return Poll::Ready(Ok(Permit::new(bulkhead))),
                Arrival::Refused(rejection) => return Poll::Ready(Err(rejection)),
                Arrival::Waits(wait) => self.state = State::Waiting(Box::new(wait)),
            }
        }
        let State::Waiting(wait) = &mut self.state else {
            panic!("an acquire was polled after it was over");
        };
        Poll::Ready(ready!(Pin::new(wait.as_mut()).poll(cx)).map(|()| Permit::new(bulkhead)))
    }
}
