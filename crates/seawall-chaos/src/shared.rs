//! What the clones of a chaos share, and its decisions.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use seawall_core::{Attempt, Error, contain};
use tokio::time::Instant;

use crate::config::Bounds;
use crate::counts::Counters;
use crate::machine::{Fault, Shares};
use crate::outcomes::{MakeError, MakeOutcome};

pub(crate) struct Shared<F, G, C> {
    pub(crate) seed: u64,
    pub(crate) shares: Shares,
    pub(crate) bounds: Bounds,
    pub(crate) error: F,
    pub(crate) outcome: G,
    pub(crate) classifier: C,
    pub(crate) enabled: AtomicBool,
    pub(crate) since: Mutex<Option<Instant>>,
    pub(crate) numbers: AtomicU64,
    pub(crate) left: AtomicU64,
    pub(crate) in_flight: AtomicU32,
    pub(crate) counters: Counters,
}

impl<F, G, C> Shared<F, G, C> {
    pub(crate) fn new(
        seed: u64,
        shares: Shares,
        bounds: Bounds,
        error: F,
        outcome: G,
        classifier: C,
    ) -> Self {
        Self {
            seed,
            shares,
            left: AtomicU64::new(bounds.budget),
            bounds,
            error,
            outcome,
            classifier,
            enabled: AtomicBool::new(false),
            since: Mutex::new(None),
            numbers: AtomicU64::new(0),
            in_flight: AtomicU32::new(0),
            counters: Counters::default(),
        }
    }

    pub(crate) fn is_candidate(&self, attempt: &Attempt, number: u64) -> bool {
        let bounds = &self.bounds;
        let when = || match &bounds.when {
            Some(when) => contain(|| when(attempt)).unwrap_or(false),
            None => true,
        };
        number % bounds.every_nth == bounds.every_nth - 1
            && bounds.attempts.contains(&attempt.number())
            && when()
    }

    pub(crate) fn is_time_over(&self) -> bool {
        let Some(until) = self.bounds.until else { return false };
        let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.is_some_and(|since| since.elapsed() >= until)
    }

    pub(crate) fn is_aborted(&self) -> bool {
        let Some(rule) = &self.bounds.abort_if else { return false };
        let counts = self.counters.read();
        contain(|| rule(&counts)).unwrap_or(true)
    }

    /// An attempt ended while faults were injected.
    pub(crate) fn ended(&self, good: bool) {
        self.counters.ended(good);
    }
}

/// An attempt that has a fault. Dropping it gives its place back.
#[derive(Debug)]
pub(crate) struct InFlight<'p>(pub(crate) &'p AtomicU32);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<F, G, C> Shared<F, G, C> {
    /// What a fault puts in the place of the outcome.
    pub(crate) fn made<T, X>(&self, fault: Fault, attempt: Attempt) -> Option<Result<T, Error<X>>>
    where
        F: MakeError<T, X, C>,
        G: MakeOutcome<T, X, C>,
    {
        match fault {
            Fault::Error => self.error.error(attempt, &self.classifier),
            Fault::Outcome => self.outcome.outcome(attempt, &self.classifier),
            _ => None,
        }
    }
}
