//! A place in the queue, as a value: claimed, or dropped and forgotten.

use std::fmt;
use std::task::Waker;
use std::time::Duration;

use seawall_core::{Reason, Rejection};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::RateLimit;
use super::policy::NEVER;
use super::state::Locked;
use super::wait_queue::Position;
use seawall_core::wakers::discard;

/// Permits that are reserved for later.
///
/// It holds a place in the queue, not the permits themselves: they are taken when it is
/// [claimed](Self::claim). Dropping it gives the place up: nothing is owed, and all behind it move
/// up. A reservation that is due and not claimed keeps the others waiting.
#[must_use = "a reservation that is dropped is given up"]
pub struct Reservation<'r> {
    pub(super) limit: &'r RateLimit,
    permits: u64,
    position: Position,
    claimed: bool,
}

/// Why a reservation was not claimed.
#[derive(Debug)]
pub enum NotClaimed<'r> {
    /// Its time has not come: the reservation, to be claimed later.
    TooEarly(Reservation<'r>),
    /// It can never be claimed.
    Rejected(Rejection),
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
        let waiting = state.queue.len();
        let refuse = |state, reason, wait| {
            drop::<Locked<'_>>(state);
            Err(limit.refuse(reason, wait, waiting))
        };
        if state.closed || stopping {
            return refuse(state, Reason::ShuttingDown, NEVER);
        }
        if permits > state.burst() {
            return refuse(state, Reason::RateLimited, NEVER);
        }
        let ahead = state.queue.permits();
        let wait = state.meter.due(nanos, ahead, permits) - nanos;
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
            return refuse(state, reason, wait);
        }
        let position = state.queue.push(permits);
        Ok(Self { limit, permits, position, claimed: false })
    }

    /// How many permits it is for.
    pub const fn permits(&self) -> u64 {
        self.permits
    }

    /// How long it is until it can be claimed, as things are now: less if one before it gives up.
    /// `None` if it can never be claimed: the limit was closed, or its burst is now smaller than what
    /// was reserved.
    pub fn ready_in(&self) -> Option<Duration> {
        let now = self.limit.shared.time.now();
        let mut state = self.limit.shared.lock(now);
        let ahead = state.queue.ahead_of(self.position);
        let due = state.meter.due(now, ahead, self.permits);
        let is_valid = !state.closed && state.queue.contains(self.position);
        is_valid.then(|| Duration::from_nanos(due - now))
    }

    /// Takes the permits if their time has come.
    ///
    /// # Errors
    ///
    /// The reservation itself before its time. A rejection if it can never be claimed: see
    /// [`ready_in`](Self::ready_in).
    pub fn claim(mut self) -> Result<(), NotClaimed<'r>> {
        let reason = match self.try_claim(Instant::now(), None) {
            Claim::Taken => return Ok(()),
            Claim::NotYet(_) => return Err(NotClaimed::TooEarly(self)),
            Claim::Never(reason) => reason,
        };
        Err(NotClaimed::Rejected(self.refuse(reason)))
    }

    pub(super) fn refuse(&self, reason: Reason) -> Rejection {
        let shared = &self.limit.shared;
        // A statement of its own: a lock that is taken among the arguments of a call is held
        // during the call.
        let waiting = shared.lock(shared.time.now()).queue.len();
        self.limit.refuse(reason, NEVER, waiting)
    }

    /// Gives the place up, as dropping it does.
    pub fn cancel(self) {}

    pub(super) fn try_claim(&mut self, now: Instant, waker: Option<&Waker>) -> Claim {
        let shared = &self.limit.shared;
        let now = shared.time.at(now);
        // Neither cloned nor dropped under the lock: what a waker drops may be a task with a place
        // in this queue. Declared before the guard, it is dropped after it.
        let waker = waker.cloned();
        let mut state = shared.lock(now);
        if state.closed {
            return Claim::Never(Reason::ShuttingDown);
        }
        if !state.queue.contains(self.position) {
            return Claim::Never(Reason::RateLimited);
        }
        let wait = if state.queue.is_first(self.position) {
            match state.meter.take(now, self.permits) {
                Ok(()) => {
                    self.claimed = true;
                    let left = state.queue.leave(self.position);
                    drop(state);
                    left.settle();
                    return Claim::Taken;
                }
                Err(wait) => Some(wait),
            }
        } else {
            None
        };
        let unneeded = waker.and_then(|waker| state.queue.wait(self.position, waker));
        drop(state);
        discard(unneeded);
        Claim::NotYet(wait)
    }
}

fn is_later(now: Instant, wait: u64, deadline: Instant) -> bool {
    now.checked_add(Duration::from_nanos(wait)).is_none_or(|due| due > deadline)
}

/// The result of an attempt to claim a reservation.
pub(super) enum Claim {
    Taken,
    /// The limit was closed, or its burst is smaller now than what was reserved.
    Never(Reason),
    /// In how many nanoseconds it can; `None` where it is not the first.
    NotYet(Option<u64>),
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if !self.claimed {
            let shared = &self.limit.shared;
            let left = shared.lock(shared.time.now()).queue.leave(self.position);
            left.settle();
        }
    }
}

impl fmt::Debug for Reservation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reservation").field("permits", &self.permits).finish_non_exhaustive()
    }
}
