//! What the clones of a rate limit share: how a permit is taken or refused.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seawall_core::{Evidence, Listeners, Name, PolicyKind, Reason, Rejection, Rule, Timeline};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fast_path::{Refusal, Take};
use super::machine::Algorithm;
use super::state::{Locked, Shelter};

pub(super) struct Shared {
    pub(super) state: Shelter,
    pub(super) refused: AtomicU64,
    /// The permits of a period as evidence shows them: the bits of an `f64`.
    pub(super) shown: AtomicU64,
    pub(super) time: Timeline,
    pub(super) algorithm: Algorithm,
    pub(super) name: Name,
    pub(super) listeners: Listeners,
    pub(super) shutdown: Option<CancellationToken>,
    /// How many calls may wait, and for how long.
    pub(super) queue: Option<(u32, Duration)>,
}

impl Shared {
    pub(super) fn lock(&self, now: u64) -> Locked<'_> {
        self.state.lock(now)
    }

    /// Takes one permit, or refuses.
    #[inline]
    pub(super) fn take_now(&self, now: Instant) -> Result<(), Rejection> {
        let now = self.time.at(now);
        self.state.lane.take_at_once(now).or_else(|refusal| self.take_late(now, refusal))
    }

    /// Refuses, if that is certain by what was seen.
    #[cold]
    fn take_late(&self, now: u64, refusal: Refusal) -> Result<(), Rejection> {
        match self.state.lane.wait(refusal) {
            Some(wait) => self.refuse(Reason::RateLimited, Some(wait), 0),
            None if refusal.is_of_shut() => self.take_many(now, 1),
            None => self.take_again(now),
        }
    }

    #[cold]
    fn take_again(&self, now: u64) -> Result<(), Rejection> {
        match self.state.lane.take(now) {
            Take::Taken => Ok(()),
            Take::NotYet(wait) => self.refuse(Reason::RateLimited, Some(wait), 0),
            Take::Shut => self.take_many(now, 1),
        }
    }

    /// Takes one permit if it is there and nobody waits. Says nothing of why not.
    pub(super) fn takes(&self, now: u64) -> bool {
        match self.state.lane.take(now) {
            Take::Taken => true,
            Take::NotYet(_) => false,
            Take::Shut => {
                let mut state = self.lock(now);
                state.is_open() && state.meter.take(now, 1).is_ok()
            }
        }
    }

    /// Takes as many under the lock, or refuses.
    pub(super) fn take_many(&self, now: u64, permits: u64) -> Result<(), Rejection> {
        let mut state = self.lock(now);
        if state.is_open() && state.meter.take(now, permits).is_ok() {
            return Ok(());
        }
        self.take_many_late(state, now, permits)
    }

    #[cold]
    fn take_many_late(&self, state: Locked<'_>, now: u64, permits: u64) -> Result<(), Rejection> {
        if state.closed {
            drop(state);
            return self.refuse(Reason::ShuttingDown, None, 0);
        }
        if permits == 0 {
            return Ok(());
        }
        let fits = permits <= state.capacity();
        let wait = fits.then(|| state.meter.due(now, state.line.permits(), permits) - now);
        let waiting = state.line.len();
        drop(state);
        self.refuse(Reason::RateLimited, wait, waiting)
    }

    /// Counts a refusal and tells the listeners: outside the lock.
    #[inline]
    pub(super) fn refuse<T>(
        &self,
        reason: Reason,
        wait: Option<u64>,
        waiting: usize,
    ) -> Result<T, Rejection> {
        self.refused.fetch_add(1, Ordering::Relaxed);
        // What nobody is told of is built where the caller wants it.
        if self.listeners.is_empty() {
            return Err(self.rejection(reason, wait, waiting));
        }
        self.refuse_aloud(reason, wait, waiting)
    }

    #[cold]
    fn refuse_aloud<T>(
        &self,
        reason: Reason,
        wait: Option<u64>,
        waiting: usize,
    ) -> Result<T, Rejection> {
        Err(self.listeners.rejected(self.rejection(reason, wait, waiting)))
    }

    #[inline]
    fn rejection(&self, reason: Reason, wait: Option<u64>, waiting: usize) -> Rejection {
        let rate = f64::from_bits(self.shown.load(Ordering::Relaxed));
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        Rejection::new(self.name.clone(), PolicyKind::RateLimit, reason)
            .because(Evidence::new(Rule::Rate, rate, rate, waiting))
            .retry_in_nanos(wait.unwrap_or(u64::MAX))
    }
}
