//! A place in the line, as a value: claimed, or dropped and forgotten.

use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use seawall_core::{Reason, Rejection};
use tokio::time::{Instant, Sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::RateLimit;
use super::line::Place;
use super::rate_limit::Pass;
use super::state::{Locked, State};
use crate::admission::Admission;

/// Permits that are reserved for later.
///
/// It holds a place in the line, not the permits themselves: they are taken when it is
/// [claimed](Self::claim). Dropping it gives the place up: nothing is owed, and who comes after
/// moves up. Whoever holds on to one that is due without claiming it keeps the others waiting.
#[must_use = "a reservation that is dropped is given up"]
pub struct Reservation<'r> {
    limit: &'r RateLimit,
    permits: u64,
    place: Place,
    claimed: bool,
}

impl<'r> Reservation<'r> {
    pub(super) fn new(
        limit: &'r RateLimit,
        permits: u64,
        now: Instant,
        deadline: Option<Instant>,
    ) -> Result<Self, Rejection> {
        let shared = &limit.shared;
        let nanos = shared.time.at(now);
        let stopping = shared.shutdown.as_ref().is_some_and(CancellationToken::is_cancelled);
        let mut state = shared.lock(nanos);
        let waiting = state.line.len();
        let refuse = |state, reason, wait| {
            drop::<Locked<'_>>(state);
            shared.refuse(reason, wait, waiting)
        };
        if state.closed || stopping {
            return refuse(state, Reason::ShuttingDown, None);
        }
        if permits > state.capacity() {
            return refuse(state, Reason::RateLimited, None);
        }
        let wait = state.meter.due(nanos, state.line.permits(), permits) - nanos;
        let refusal = match shared.queue {
            _ if deadline.is_some_and(|deadline| is_later(now, wait, deadline)) => {
                Some(Reason::DeadlineTooNear)
            }
            Some((_, longest)) if Duration::from_nanos(wait) > longest => Some(Reason::RateLimited),
            Some((capacity, _)) if waiting >= capacity as usize => Some(Reason::QueueFull),
            None if wait > 0 => Some(Reason::RateLimited),
            _ => None,
        };
        if let Some(reason) = refusal {
            return refuse(state, reason, Some(wait));
        }
        let place = state.line.push(permits);
        Ok(Self { limit, permits, place, claimed: false })
    }

    /// How many permits it is for.
    pub const fn permits(&self) -> u64 {
        self.permits
    }

    /// How long it is until it can be claimed, as things are now: less if somebody before it goes
    /// away.
    pub fn ready_in(&self) -> Duration {
        let now = self.limit.shared.time.at(Instant::now());
        let state = self.limit.shared.lock(now);
        Duration::from_nanos(self.due(&state, now) - now)
    }

    fn due(&self, state: &State, now: u64) -> u64 {
        state.meter.due(now, state.line.ahead_of(self.place), self.permits)
    }

    /// Takes the permits, if their time has come; else gives the reservation back.
    pub fn claim(mut self) -> Result<(), Self> {
        match self.try_claim(Instant::now(), None) {
            Claim::Taken => Ok(()),
            _ => Err(self),
        }
    }

    /// Gives the place up, as dropping it does.
    pub fn cancel(self) {}

    fn try_claim(&mut self, now: Instant, waker: Option<&Waker>) -> Claim {
        let shared = &self.limit.shared;
        let now = shared.time.at(now);
        let mut state = shared.lock(now);
        if state.closed {
            return Claim::Closed;
        }
        if self.permits > state.capacity() {
            return Claim::Never;
        }
        let wait = if state.line.is_first(self.place) {
            match state.meter.take(now, self.permits) {
                Ok(()) => {
                    self.claimed = true;
                    let next = state.line.leave(self.place);
                    drop(state);
                    next.into_iter().for_each(Waker::wake);
                    return Claim::Taken;
                }
                Err(wait) => Some(wait),
            }
        } else {
            None
        };
        if let Some(waker) = waker {
            state.line.wait(self.place, waker);
        }
        Claim::NotYet(wait)
    }
}

fn is_later(now: Instant, wait: u64, deadline: Instant) -> bool {
    now.checked_add(Duration::from_nanos(wait)).is_none_or(|due| due > deadline)
}

enum Claim {
    Taken,
    Closed,
    // The limit was changed, and what is asked for is more than can ever be had at once.
    Never,
    /// In how many nanoseconds it can; `None` where somebody else is first.
    NotYet(Option<u64>),
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if !self.claimed {
            let shared = &self.limit.shared;
            let next = shared.lock(shared.time.now()).line.leave(self.place);
            next.into_iter().for_each(Waker::wake);
        }
    }
}

impl fmt::Debug for Reservation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("permits", &self.permits).finish_non_exhaustive()
    }
}

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
pub struct Turn<'r>(Progress<'r>);

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

impl<'r> Turn<'r> {
    pub(super) const fn new(limit: &'r RateLimit) -> Self {
        Self(Progress::New(limit))
    }

    pub(super) fn admit(
        limit: &'r RateLimit,
        deadline: Option<Instant>,
        now: Instant,
    ) -> Admission<Pass, Self> {
        if limit.shared.takes(limit.shared.time.at(now)) {
            return Admission::Granted(Pass::NEW);
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

    fn refuse(&self, reason: Reason) -> Result<Pass, Rejection> {
        let shared = &self.reservation.limit.shared;
        shared.refuse(reason, None, shared.state.peek().line.len())
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Pass, Rejection>> {
        loop {
            let now = Instant::now();
            let wait = match self.reservation.try_claim(now, Some(cx.waker())) {
                Claim::Taken => return Poll::Ready(Ok(Pass::NEW)),
                Claim::Closed => return Poll::Ready(self.refuse(Reason::ShuttingDown)),
                Claim::Never => return Poll::Ready(self.refuse(Reason::RateLimited)),
                Claim::NotYet(wait) => wait,
            };
            if let Some(shutdown) = &mut self.shutdown
                && shutdown.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(self.refuse(Reason::ShuttingDown));
            }
            if self.give_up.is_some_and(|give_up| give_up <= now) {
                return Poll::Ready(self.refuse(self.at_the_end));
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

impl Future for Turn<'_> {
    type Output = Result<Pass, Rejection>;

    /// # Panics
    ///
    /// When polled after it was ready, or outside a tokio runtime with a timer if it has to wait.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Progress::New(limit) = self.0 {
            match Turn::admit(limit, None, Instant::now()) {
                Admission::Granted(pass) => {
                    self.0 = Progress::Over;
                    return Poll::Ready(Ok(pass));
                }
                Admission::Refused(rejection) => {
                    self.0 = Progress::Over;
                    return Poll::Ready(Err(rejection));
                }
                Admission::Waiting(turn) => *self = turn,
            }
        }
        let Progress::Waiting(waiting) = &mut self.0 else {
            panic!("a turn was polled after it was over");
        };
        let polled = waiting.poll(cx);
        if polled.is_ready() {
            let over = mem::replace(&mut self.0, Progress::Over);
            drop(over);
        }
        polled
    }
}
