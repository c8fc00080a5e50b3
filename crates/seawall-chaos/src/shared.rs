//! What the clones of a chaos share, and its decisions.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use seawall_core::{Attempt, Classify, Error, EventKind, Name, Reporter, contain};
use tokio::time::Instant;

use crate::config::{Bounds, class_of};
use crate::counts::Counters;
use crate::machine::{Fault, Shares};
use crate::outcomes::Make;

pub(crate) struct Shared<F, G, C> {
    pub(crate) reporter: Reporter,
    seed: u64,
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
        reporter: Reporter,
        seed: u64,
        shares: Shares,
        bounds: Bounds,
        error: F,
        outcome: G,
        classifier: C,
    ) -> Self {
        Self {
            reporter,
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

    /// Switches it off for good.
    pub(crate) fn end(&self, why: &'static str) {
        // AcqRel: the one that ends it reports it, and writes the marker once.
        if !self.enabled.swap(false, Ordering::AcqRel) {
            return;
        }
        if let Some(file) = &self.bounds.end_marker
            && std::fs::write(file, why).is_err()
        {
            self.reporter.report(|| EventKind::ineffective("the end marker can't be written"));
        }
        self.reporter.report(|| EventKind::injection_ended(why));
    }

    fn is_candidate(&self, attempt: &Attempt, number: u64) -> bool {
        let bounds = &self.bounds;
        let when = || match &bounds.when {
            Some(when) => contain(|| when(attempt)).unwrap_or(false),
            None => true,
        };
        number % bounds.every_nth == bounds.every_nth - 1
            && bounds.attempts.contains(&attempt.number())
            && when()
    }

    fn is_over(&self) -> Option<&'static str> {
        let bounds = &self.bounds;
        if let Some(until) = bounds.until {
            let since = *self.since.lock().unwrap_or_else(PoisonError::into_inner);
            if since.is_some_and(|since| since.elapsed() >= until) {
                return Some("time");
            }
        }
        let rule = bounds.abort_if.as_ref()?;
        let counts = self.counters.read();
        contain(|| rule(&counts)).unwrap_or(true).then_some("abort rule")
    }

    /// What happens to an attempt.
    pub(crate) fn decide(&self, attempt: &Attempt, number: u64) -> Option<(Fault, InFlight<'_>)> {
        if !self.is_candidate(attempt, number) {
            return None;
        }
        self.counters.candidate();
        let fault = self.shares.draw(self.seed, number)?;
        if let Some(why) = self.is_over() {
            self.end(why);
            return None;
        }
        if self.shares.is_control(self.seed, number) {
            self.counters.control();
            return None;
        }
        let most = self.bounds.at_most_in_flight;
        let enter = |now: u32| (now < most).then(|| now + 1);
        // Relaxed: the number of those in flight guards nothing else.
        if self.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enter).is_err() {
            self.counters.held_back();
            return None;
        }
        let in_flight = InFlight(&self.in_flight);
        let pay = |left: u64| left.checked_sub(1);
        match self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay) {
            Err(_) => return None,
            Ok(1) => self.end("budget"),
            Ok(_) => {}
        }
        self.counters.injected(fault);
        self.reporter.report(|| EventKind::injected(fault.as_str()));
        Some((fault, in_flight))
    }

    pub(crate) fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// An attempt ended while faults were injected.
    pub(crate) fn ended(&self, good: bool) {
        self.counters.ended(good);
    }
}

/// An attempt that has a fault. Dropping it gives its place back.
#[derive(Debug)]
pub(crate) struct InFlight<'p>(&'p AtomicU32);

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl<F, G, C> Shared<F, G, C> {
    /// What a fault puts in the place of the outcome.
    pub(crate) fn made<T, E>(&self, fault: Fault, attempt: Attempt) -> Option<Result<T, Error<E>>>
    where
        F: Make<E>,
        G: Make<Result<T, E>>,
        C: Classify<E>,
    {
        let result = match fault {
            Fault::Error => Err(self.error.make(attempt)?),
            Fault::Outcome => self.outcome.make(attempt)?,
            _ => return None,
        };
        Some(result.map_err(|error| {
            let class = class_of(&self.classifier, &error);
            Error::operation_failed(error, class)
        }))
    }
}
