//! Chaos as a policy.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use seawall_core::{
    AllTransient, Attempt, Call, Classify, Description, Error, EventKind, Listeners, Name,
    Operation, Policy, PolicyKind, Reporter, contain,
};
use tokio::time::Instant;

use crate::config::{Bounds, ChaosBuilder, class_of};
use crate::counts::{ChaosCounts, Counters};
use crate::future::ChaosFuture;
use crate::held::{Held, LaterAttempt, LaterCall};
use crate::machine::{Fault, Shares};
use crate::outcomes::{Make, Nothing};

/// Injects faults on purpose into a share of the attempts.
///
/// Clones share the counts and whether it is enabled.
///
/// ```
/// use std::io;
/// use seawall::{Pipeline, Retry};
/// use seawall_chaos::Chaos;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let chaos = Chaos::builder()
///     .seed(7)
///     .error(1.0, |_| io::Error::other("injected"))
///     .attempts(1..=1)
///     .enabled()
///     .build()?;
/// let pipeline = Pipeline::builder("inventory")
///     .retry(Retry::builder().idempotent())
///     .layer(chaos.clone())
///     .build()?;
///
/// // Each first attempt fails, each second one does not.
/// assert_eq!(pipeline.call(async || Ok::<_, io::Error>(42)).await?, 42);
/// assert_eq!(chaos.counts().error, 1);
/// # Ok(())
/// # }
/// ```
pub struct Chaos<F = Nothing, G = Nothing, C = AllTransient>(pub(crate) Arc<Shared<F, G, C>>);

pub(crate) struct Shared<F, G, C> {
    reporter: Reporter,
    seed: u64,
    shares: Shares,
    bounds: Bounds,
    error: F,
    outcome: G,
    classifier: C,
    enabled: AtomicBool,
    since: Mutex<Option<Instant>>,
    numbers: AtomicU64,
    left: AtomicU64,
    in_flight: AtomicU32,
    counters: Counters,
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
    fn end(&self, why: &'static str) {
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
    fn decide(&self, attempt: &Attempt, number: u64) -> Option<(Fault, InFlight<'_>)> {
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

impl Chaos {
    /// Configures chaos.
    pub fn builder() -> ChaosBuilder {
        ChaosBuilder::default()
    }
}

impl<F, G, C> Chaos<F, G, C> {
    /// Its name.
    pub fn name(&self) -> &Name {
        self.0.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.0.reporter.listeners()
    }

    /// Begins to inject, with the whole budget and time. Removes the end marker, if there is one.
    pub fn enable(&self) {
        let shared = &self.0;
        if let Some(file) = &shared.bounds.end_marker {
            // It may not be there.
            let _ = std::fs::remove_file(file);
        }
        *shared.since.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        shared.left.store(shared.bounds.budget, Ordering::Relaxed);
        shared.enabled.store(true, Ordering::Release);
    }

    /// Stops injecting. What is delayed at this time goes on.
    pub fn disable(&self) {
        self.0.end("an operator");
    }

    /// Whether it injects.
    pub fn is_enabled(&self) -> bool {
        self.0.enabled.load(Ordering::Acquire)
    }

    /// What was injected since it was built.
    pub fn counts(&self) -> ChaosCounts {
        self.0.counters.read()
    }

    /// Attempts that have a fault now.
    pub fn in_flight(&self) -> u32 {
        self.0.in_flight.load(Ordering::Relaxed)
    }
}

impl<F, G, C> Clone for Chaos<F, G, C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F, G, C> fmt::Debug for Chaos<F, G, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos")
            .field("name", self.name())
            .field("enabled", &self.is_enabled())
            .field("shares", &self.0.shares)
            .finish_non_exhaustive()
    }
}

impl<F, G, C> Policy for Chaos<F, G, C> {
    type Wrapped<'p, Op>
        = ChaosCall<'p, Op, F, G, C>
    where
        Self: 'p;

    fn wrap<Op>(&self, op: Op) -> ChaosCall<'_, Op, F, G, C> {
        ChaosCall { shared: &self.0, op: Held::Own(op), number: None }
    }

    fn describe(&self, inner: Description) -> Description {
        let shares = &self.0.shares;
        let parts = [
            ("latency", shares.latency),
            ("error", shares.error),
            ("outcome", shares.outcome),
            ("panic", shares.panic),
            ("never", shares.never),
        ];
        let given = parts.iter().filter(|part| part.1 > 0.0);
        let words: Vec<_> =
            given.map(|(name, share)| format!("{name} {} %", share * 100.0)).collect();
        let state = if self.is_enabled() { "on" } else { "off" };
        let panics = inner.panics() || (shares.panic > 0.0 && !self.0.bounds.unguarded);
        inner
            .layer(PolicyKind::Chaos, self.name(), format!("{state}: {}", words.join(", ")))
            .with_panics(panics)
    }
}

/// An operation with [`Chaos`] around it.
pub struct ChaosCall<'p, Op, F, G, C> {
    shared: &'p Shared<F, G, C>,
    op: Held<Op>,
    /// Of the call, where one draw is for all of its attempts.
    number: Option<u64>,
}

impl<'p, Op, F, G, C> ChaosCall<'p, Op, F, G, C> {
    fn fault(&mut self, attempt: &Attempt) -> Option<(Fault, InFlight<'p>)> {
        let shared = self.shared;
        // Acquire: with whoever enabled it, for the time since.
        if !shared.enabled.load(Ordering::Acquire) {
            return None;
        }
        let next = || shared.numbers.fetch_add(1, Ordering::Relaxed);
        let number =
            if shared.bounds.per_call { *self.number.get_or_insert_with(next) } else { next() };
        shared.decide(attempt, number)
    }
}

impl<'p, Op, F, G, C> Call for ChaosCall<'p, Op, F, G, C>
where
    Op: Call,
    F: Make<Op::Error>,
    G: Make<Result<Op::Output, Op::Error>>,
    C: Classify<Op::Error>,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = ChaosFuture<'p, LaterCall<Op>, Op::Future, Op::Output, Op::Error, F, G, C>;

    fn start(mut self, attempt: Attempt) -> Self::Future {
        let (shared, counted) = (self.shared, self.shared.enabled.load(Ordering::Relaxed));
        let fault = self.fault(&attempt);
        let Held::Own(op) = self.op else {
            unreachable!("a call is started once, and not after attempts")
        };
        match fault {
            None => ChaosFuture::passing(shared, counted, op.start(attempt)),
            Some((fault, in_flight)) => {
                let made = shared.made(fault, attempt);
                ChaosFuture::with_fault(shared, fault, made, in_flight, attempt, || LaterCall(op))
            }
        }
    }
}

impl<'p, Op, F, G, C> Operation for ChaosCall<'p, Op, F, G, C>
where
    Op: Operation,
    F: Make<Op::Error>,
    G: Make<Result<Op::Output, Op::Error>>,
    C: Classify<Op::Error>,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = ChaosFuture<'p, LaterAttempt<Op>, Op::Future, Op::Output, Op::Error, F, G, C>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        let (shared, counted) = (self.shared, self.shared.enabled.load(Ordering::Relaxed));
        match self.fault(&attempt) {
            None => ChaosFuture::passing(shared, counted, self.op.attempt(attempt)),
            Some((fault, in_flight)) => {
                let made = shared.made(fault, attempt);
                let op = &mut self.op;
                ChaosFuture::with_fault(shared, fault, made, in_flight, attempt, || {
                    LaterAttempt(op.share())
                })
            }
        }
    }
}

impl<F, G, C> Shared<F, G, C> {
    /// What a fault puts in the place of the outcome.
    fn made<T, E>(&self, fault: Fault, attempt: Attempt) -> Option<Result<T, Error<E>>>
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

impl<Op, F, G, C> fmt::Debug for ChaosCall<'_, Op, F, G, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosCall").field("chaos", self.shared.name()).finish_non_exhaustive()
    }
}
