//! What the clones of a rate limit share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use seawall_core::{Evidence, Reason, Rejection, Reporter, Rule, Timeline};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::fast_path::Take;
use super::machine::Algorithm;
use super::state::{Locked, StateCell};

pub(super) struct Shared {
    pub(super) state: StateCell,
    pub(super) refused: AtomicU64,
    /// The permits of a period as evidence shows them: the bits of an `f64`.
    pub(super) shown: AtomicU64,
    pub(super) time: Timeline,
    pub(super) algorithm: Algorithm,
    pub(super) reporter: Reporter,
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
        match self.state.fast_path.take(now) {
            Take::Taken => Ok(()),
            Take::NotYet(wait) => Err(self.refuse(Reason::RateLimited, Some(wait), 0)),
            Take::Closed => self.take_many(now, 1),
        }
    }

    /// Takes all of `permits` under the lock, or refuses.
    pub(super) fn take_many(&self, now: u64, permits: u64) -> Result<(), Rejection> {
        let mut state = self.lock(now);
        if state.take(now, permits) {
            return Ok(());
        }
        if state.closed {
            drop(state);
            return Err(self.refuse(Reason::ShuttingDown, None, 0));
        }
        if permits == 0 {
            return Ok(());
        }
        let fits = permits <= state.burst();
        let (ahead, waiting) = (state.queue.permits(), state.queue.len());
        let wait = fits.then(|| state.meter.due(now, ahead, permits) - now);
        drop(state);
        Err(self.refuse(Reason::RateLimited, wait, waiting))
    }

    /// Counts a refusal and reports it. Call it without the lock.
    pub(super) fn refuse(&self, reason: Reason, wait: Option<u64>, waiting: usize) -> Rejection {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let rate = f64::from_bits(self.shown.load(Ordering::Relaxed));
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        let evidence = Evidence::new(Rule::Rate, rate, rate, waiting);
        let rejection = self.reporter.rejection(reason).because(evidence);
        self.reporter.refused(rejection.retry_in_nanos(wait.unwrap_or(u64::MAX)))
    }
}
