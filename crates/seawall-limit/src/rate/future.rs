//! A call that waits for its turn: a place in the line, a timer and an end.

use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_core::{Reason, Rejection};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::WaitForCancellationFutureOwned;

use super::reservation::Claim;
use super::{RateLimit, RatePermit, Reservation};
use crate::admission::Admission;

/// A call that waits for its turn, made by [`RateLimit::acquire`].
///
/// Only the first in line has a timer for its turn; tokio's timers go off up to a millisecond
/// late, never early.
///
/// # Cancel safety
///
/// Dropping it gives up the place: nothing is owed, and who comes after moves up.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Acquire<'r>(Progress<'r>);

#[derive(Debug)]
enum Progress<'r> {
    New(&'r RateLimit),
    // Boxed: only what has to wait gets here, and the futures of calls that don't stay small.
    Waiting(Box<Waiting<'r>>),
    Over,
}

#[derive(Debug)]
struct Waiting<'r> {
    reservation: Reservation<'r>,
    give_up: Option<Instant>,
    at_the_end: Reason,
    timer: Option<Pin<Box<Sleep>>>,
    shutdown: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl<'r> Acquire<'r> {
    pub(super) const fn new(limit: &'r RateLimit) -> Self {
        Self(Progress::New(limit))
    }

    pub(super) fn admit(
        limit: &'r RateLimit,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Admission<RatePermit, Self> {
        if limit.shared.takes(limit.shared.time.at(now)) {
            return Admission::Granted(RatePermit(()));
        }
        match Reservation::new(limit, 1, now, deadline) {
            Ok(reservation) => {
                let waiting = Waiting::new(reservation, now, deadline);
                Admission::Waiting(Self(Progress::Waiting(Box::new(waiting))))
            }
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl<'r> Waiting<'r> {
    fn new(reservation: Reservation<'r>, now: Instant, deadline: Option<Instant>) -> Self {
        let longest = reservation.limit.shared.queue.map(|(_, longest)| longest);
        let end = longest.and_then(|longest| now.checked_add(longest));
        let deadline_first = match (end, deadline) {
            (Some(end), Some(deadline)) => deadline < end,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let token = reservation.limit.shared.shutdown.clone();
        Self {
            reservation,
            give_up: if deadline_first { deadline } else { end },
            at_the_end: if deadline_first {
                Reason::DeadlineTooNear
            } else {
                Reason::WaitedTooLong
            },
            timer: None,
            shutdown: token.map(|token| Box::pin(token.cancelled_owned())),
        }
    }

    fn refuse(&self, reason: Reason) -> Rejection {
        let shared = &self.reservation.limit.shared;
        // Apart: a lock that is taken among the arguments of a call is held during the call.
        let waiting = shared.state.peek().queue.len();
        shared.refuse(reason, None, waiting)
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<RatePermit, Rejection>> {
        loop {
            let now = Instant::now();
            let wait = match self.reservation.try_claim(now, Some(cx.waker())) {
                Claim::Taken => return Poll::Ready(Ok(RatePermit(()))),
                Claim::Closed => return Poll::Ready(Err(self.refuse(Reason::ShuttingDown))),
                Claim::Never => return Poll::Ready(Err(self.refuse(Reason::RateLimited))),
                Claim::NotYet(wait) => wait,
            };
            if let Some(shutdown) = &mut self.shutdown
                && shutdown.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(Err(self.refuse(Reason::ShuttingDown)));
            }
            if self.give_up.is_some_and(|give_up| give_up <= now) {
                return Poll::Ready(Err(self.refuse(self.at_the_end)));
            }
            let due = wait.and_then(|wait| now.checked_add(Duration::from_nanos(wait)));
            let Some(next) = due.into_iter().chain(self.give_up).min() else {
                return Poll::Pending;
            };
            if self.timer_at(next).as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn timer_at(&mut self, at: Instant) -> &mut Pin<Box<Sleep>> {
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        timer
    }
}

impl Future for Acquire<'_> {
    type Output = Result<RatePermit, Rejection>;

    /// # Panics
    ///
    /// When polled after it was ready, or outside a tokio runtime with a timer if it has to wait.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Progress::New(limit) = self.0 {
            match Acquire::admit(limit, None, Instant::now()) {
                Admission::Granted(permit) => {
                    self.0 = Progress::Over;
                    return Poll::Ready(Ok(permit));
                }
                Admission::Refused(rejection) => {
                    self.0 = Progress::Over;
                    return Poll::Ready(Err(rejection));
                }
                Admission::Waiting(acquire) => *self = acquire,
            }
        }
        let Progress::Waiting(waiting) = &mut self.0 else {
            panic!("an acquire was polled after it was over");
        };
        let polled = waiting.poll(cx);
        if polled.is_ready() {
            let over = mem::replace(&mut self.0, Progress::Over);
            drop(over);
        }
        polled
    }
}
