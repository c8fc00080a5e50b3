//! A call that waits for the rate: a place in the queue, a timer and an end.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use seawall_core::{Admission, Admit, Attempt, Rejection};
use tokio::time::Instant;

use super::reservation::Claim;
use super::{RateLimit, RatePermit, Reservation};
use crate::wait_limit::WaitLimit;

/// A call that waits for its permit, made by [`RateLimit::acquire`].
///
/// Only the first in the queue has a timer for its permit. tokio's timers go off up to a
/// millisecond late, never early.
///
/// # Cancel safety
///
/// Dropping it gives up the place: nothing is owed, and the calls behind it move up.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Acquire<'r>(State<'r>);

#[derive(Debug)]
enum State<'r> {
    New(&'r RateLimit),
    // Boxed: only calls that wait get here, and the futures of calls that don't stay small.
    Waiting(Box<Waiting<'r>>),
    Over,
}

#[derive(Debug)]
struct Waiting<'r> {
    reservation: Reservation<'r>,
    limit: WaitLimit,
}

impl<'r> Acquire<'r> {
    pub(super) const fn new(limit: &'r RateLimit) -> Self {
        Self(State::New(limit))
    }

    pub(super) fn admit(
        limit: &'r RateLimit,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Admission<RatePermit, Self> {
        let shared = &limit.shared;
        let nanos = shared.time.at(now);
        if shared.lock(nanos).take(nanos, 1) {
            return Admission::Granted(RatePermit(()));
        }
        match Reservation::new(limit, 1, now, deadline) {
            Ok(reservation) => {
                let longest = shared.queue.map_or(Duration::MAX, |(_, longest)| longest);
                let limit = WaitLimit::new(now, longest, deadline, shared.shutdown.as_ref());
                Admission::Waiting(Self(State::Waiting(Box::new(Waiting { reservation, limit }))))
            }
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl Waiting<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<RatePermit, Rejection>> {
        loop {
            let now = Instant::now();
            let reason = match self.reservation.try_claim(now, Some(cx.waker())) {
                Claim::Taken => return Poll::Ready(Ok(RatePermit(()))),
                Claim::Never(reason) => Some(reason),
                Claim::NotYet(wait) => {
                    let due = wait.and_then(|wait| now.checked_add(Duration::from_nanos(wait)));
                    ready!(self.limit.poll(due, cx))
                }
            };
            if let Some(reason) = reason {
                return Poll::Ready(Err(self.reservation.refuse(reason)));
            }
        }
    }
}

impl Future for Acquire<'_> {
    type Output = Result<RatePermit, Rejection>;

    /// # Panics
    ///
    /// When polled after it was ready, or outside a tokio runtime with a timer if it has to wait.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let State::New(limit) = self.0 {
            self.0 = State::Over;
            let mut attempt = Attempt::first();
            if let Some(permit) = limit.try_admit(&mut attempt) {
                return Poll::Ready(Ok(permit));
            }
            match Acquire::admit(limit, None, attempt.began()) {
                Admission::Granted(permit) => return Poll::Ready(Ok(permit)),
                Admission::Refused(rejection) => return Poll::Ready(Err(rejection)),
                Admission::Waiting(acquire) => *self = acquire,
            }
        }
        let State::Waiting(waiting) = &mut self.0 else {
            panic!("an acquire was polled after it was ready");
        };
        let outcome = ready!(waiting.poll(cx));
        drop(mem::replace(&mut self.0, State::Over));
        Poll::Ready(outcome)
    }
}
