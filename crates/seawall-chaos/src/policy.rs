//! Chaos as a policy.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};

use seawall_core::{
    AllTransient, Attempt, Call, Description, EventKind, Listeners, Name, Operation, Policy,
    PolicyKind, Reporter,
};
use tokio::time::Instant;

use crate::config::ChaosBuilder;
use crate::counts::ChaosCounts;
use crate::future::ChaosFuture;
use crate::held::{Held, LaterAttempt, LaterCall};
use crate::machine::Fault;
use crate::outcomes::{MakeError, MakeOutcome, Nothing};
use crate::shared::{InFlight, Shared};

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
pub struct Chaos<F = Nothing, G = Nothing, C = AllTransient> {
    pub(crate) shared: Arc<Shared<F, G, C>>,
    pub(crate) reporter: Reporter,
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
        self.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }

    /// Begins to inject, with the whole budget and time. Removes the end marker, if there is one.
    pub fn enable(&self) {
        let shared = &self.shared;
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
        self.end("an operator");
    }

    /// Whether it injects. False once its time is over, even if no attempt came since.
    pub fn is_enabled(&self) -> bool {
        self.shared.enabled.load(Ordering::Acquire) && !self.shared.is_time_over()
    }

    /// What was injected since it was built.
    pub fn counts(&self) -> ChaosCounts {
        self.shared.counters.read()
    }

    /// Attempts that have a fault now.
    pub fn in_flight(&self) -> u32 {
        self.shared.in_flight.load(Ordering::Relaxed)
    }

    /// Switches it off for good.
    fn end(&self, why: &'static str) {
        let shared = &self.shared;
        // AcqRel: the one that ends it reports it, and writes the marker once.
        if !shared.enabled.swap(false, Ordering::AcqRel) {
            return;
        }
        if let Some(file) = &shared.bounds.end_marker
            && std::fs::write(file, why).is_err()
        {
            self.reporter.report(|| EventKind::ineffective("the end marker can't be written"));
        }
        self.reporter.report(|| EventKind::injection_ended(why));
    }

    /// What happens to an attempt.
    fn decide(&self, attempt: &Attempt, number: u64) -> Option<(Fault, InFlight<'_>)> {
        let shared = &self.shared;
        // By the first attempt, not by the first that would get a fault: where those are rare, the process
        // might end before and begin again with the whole time.
        if shared.is_time_over() {
            self.end("time");
            return None;
        }
        if !shared.is_candidate(attempt, number) {
            return None;
        }
        shared.counters.candidate();
        let fault = shared.shares.draw(shared.seed, number)?;
        if shared.is_aborted() {
            self.end("abort rule");
            return None;
        }
        if shared.shares.is_control(shared.seed, number) {
            shared.counters.control();
            return None;
        }
        let most = shared.bounds.at_most_in_flight;
        let enter = |now: u32| (now < most).then(|| now + 1);
        // Relaxed: the number of those in flight guards nothing else.
        if shared.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, enter).is_err() {
            shared.counters.held_back();
            return None;
        }
        let in_flight = InFlight(&shared.in_flight);
        let pay = |left: u64| left.checked_sub(1);
        let left = shared.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, pay).ok()?;
        shared.counters.injected(fault);
        self.reporter.report(|| EventKind::injected(fault.as_str()));
        if left == 1 {
            self.end("budget");
        }
        Some((fault, in_flight))
    }
}

impl<F, G, C> Clone for Chaos<F, G, C> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), reporter: self.reporter.clone() }
    }
}

impl<F, G, C> fmt::Debug for Chaos<F, G, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos")
            .field("name", self.name())
            .field("enabled", &self.is_enabled())
            .field("shares", &self.shared.shares)
            .finish_non_exhaustive()
    }
}

impl<F, G, C> Policy for Chaos<F, G, C> {
    type Wrapped<'p, Op>
        = ChaosCall<'p, Op, F, G, C>
    where
        Self: 'p;

    fn wrap<Op>(&self, op: Op) -> ChaosCall<'_, Op, F, G, C> {
        ChaosCall { chaos: self, op: Held::Own(op), number: None }
    }

    fn describe(&self, inner: Description) -> Description {
        let shares = &self.shared.shares;
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
        let panics = inner.panics() || (shares.panic > 0.0 && !self.shared.bounds.unguarded);
        inner
            .layer(PolicyKind::Chaos, self.name(), format!("{state}: {}", words.join(", ")))
            .with_panics(panics)
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }
}

/// An operation with [`Chaos`] around it.
pub struct ChaosCall<'p, Op, F, G, C> {
    chaos: &'p Chaos<F, G, C>,
    op: Held<Op>,
    /// Of the call, where one draw is for all of its attempts.
    number: Option<u64>,
}

impl<'p, Op, F, G, C> ChaosCall<'p, Op, F, G, C> {
    fn fault(&mut self, attempt: &Attempt) -> Option<(Fault, InFlight<'p>)> {
        let shared = &self.chaos.shared;
        // Acquire: pairs with the store of `enable`, which sets the time since before it.
        if !shared.enabled.load(Ordering::Acquire) {
            return None;
        }
        let next = || shared.numbers.fetch_add(1, Ordering::Relaxed);
        let number =
            if shared.bounds.per_call { *self.number.get_or_insert_with(next) } else { next() };
        self.chaos.decide(attempt, number)
    }
}

impl<'p, Op, F, G, C> Call for ChaosCall<'p, Op, F, G, C>
where
    Op: Call,
    F: MakeError<Op::Output, Op::Error, C>,
    G: MakeOutcome<Op::Output, Op::Error, C>,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = ChaosFuture<'p, LaterCall<Op>, Op::Future, Op::Output, Op::Error, F, G, C>;

    fn start(mut self, attempt: Attempt) -> Self::Future {
        let (chaos, counted) = (self.chaos, self.chaos.shared.enabled.load(Ordering::Relaxed));
        let fault = self.fault(&attempt);
        let Held::Own(op) = self.op else {
            unreachable!("a call is started once, and not after attempts")
        };
        match fault {
            None => ChaosFuture::passing(chaos, counted, op.start(attempt)),
            Some((fault, in_flight)) => {
                let made = chaos.shared.made(fault, attempt);
                ChaosFuture::with_fault(chaos, fault, made, in_flight, attempt, || LaterCall(op))
            }
        }
    }
}

impl<'p, Op, F, G, C> Operation for ChaosCall<'p, Op, F, G, C>
where
    Op: Operation,
    F: MakeError<Op::Output, Op::Error, C>,
    G: MakeOutcome<Op::Output, Op::Error, C>,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = ChaosFuture<'p, LaterAttempt<Op>, Op::Future, Op::Output, Op::Error, F, G, C>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        let (chaos, counted) = (self.chaos, self.chaos.shared.enabled.load(Ordering::Relaxed));
        match self.fault(&attempt) {
            None => ChaosFuture::passing(chaos, counted, self.op.attempt(attempt)),
            Some((fault, in_flight)) => {
                let made = chaos.shared.made(fault, attempt);
                let op = &mut self.op;
                ChaosFuture::with_fault(chaos, fault, made, in_flight, attempt, || {
                    LaterAttempt(op.share())
                })
            }
        }
    }

    fn is_repeatable(&self) -> bool {
        self.op.is_repeatable()
    }
}

impl<Op, F, G, C> fmt::Debug for ChaosCall<'_, Op, F, G, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChaosCall").field("chaos", self.chaos.name()).finish_non_exhaustive()
    }
}
