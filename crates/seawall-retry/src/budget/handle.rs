//! The handle.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use seawall_core::{Listeners, Name, Timeline};

use super::permit::{BudgetPermit, CallInFlight};
use super::share::{Share, SharePlan};
use super::tokens::{TokenPlan, Tokens, WHOLE};
use super::{BudgetBuilder, BudgetSnapshot};
use crate::sync::AtomicU64;

/// What repetitions, of retries and hedges alike, may cost. Clones share it.
///
/// Limits the share of calls that are repeated, so that a dependency which is down is not asked
/// three times as much as one which is well. There are two ways to count, and a budget may use
/// both: tokens that calls pay in and repetitions take out, and a share of what is in flight.
///
/// Checking and taking are one atomic step. The first attempt of a call never fails for a budget;
/// when there is nothing to take, the outcome that would have been repeated comes back, and
/// [`GaveUp`](seawall_core::GaveUp) says so.
///
/// ```
/// use seawall_retry::{Budget, Retry};
///
/// let budget = Budget::builder().deposit(0.1).reserve(10.0).build()?;
/// let reads = Retry::builder().idempotent().budget(&budget).build()?;
/// let writes = Retry::builder().max_attempts(2).budget(&budget).build()?;
/// assert_eq!(budget.snapshot().tokens, Some(10.0));
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
///
/// # What comes back
///
/// | the repetition | its token | its place in flight |
/// |---|---|---|
/// | never started: cancelled while waiting, deadline, shutdown | is given back | is given back |
/// | started, whatever it came to: success, failure, panic, dropped | is spent | is given back when the attempt is over |
#[derive(Clone)]
pub struct Budget(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) name: Name,
    // Where tokens are not counted, of a plan of zeros: it takes no deposit.
    pub(super) tokens: Tokens,
    counts_tokens: bool,
    pub(super) share: Option<Share>,
    pub(super) listeners: Listeners,
    timeline: Timeline,
    pub(super) granted: AtomicU64,
    pub(super) refused: AtomicU64,
    /// How many were granted when one was last refused.
    pub(super) granted_before: AtomicU64,
}

impl Budget {
    /// Starts a budget with the defaults that [`BudgetBuilder`] lists.
    pub fn builder() -> BudgetBuilder {
        BudgetBuilder::default()
    }

    pub(super) fn new(
        name: Name,
        tokens: Option<TokenPlan>,
        share: Option<SharePlan>,
        listeners: Listeners,
    ) -> Self {
        let counts_tokens = tokens.is_some();
        let alone = counts_tokens && share.is_none();
        Self(Arc::new(Inner {
            name,
            tokens: Tokens::new(tokens.unwrap_or_default(), alone),
            counts_tokens,
            share: share.map(Share::new),
            listeners,
            timeline: Timeline::new(),
            granted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            granted_before: AtomicU64::new(0),
        }))
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    /// Who is told when it is empty and when it has recovered.
    pub fn listeners(&self) -> &Listeners {
        &self.0.listeners
    }

    /// Counts a call: pays in for it, and holds it to be in flight until what comes back is
    /// dropped. Retries and hedges do this for each of their calls.
    #[inline]
    pub fn call(&self) -> CallInFlight<'_> {
        self.pay_in();
        CallInFlight::new(self.0.share.as_ref())
    }

    /// Pays in for a call.
    #[inline]
    pub(crate) fn pay_in(&self) {
        if self.0.tokens.has_room() {
            self.0.pay_in();
        }
    }

    /// Counts a call as in flight, where that is counted.
    pub(crate) fn enter(&self) -> Option<CallInFlight<'_>> {
        self.0.share.as_ref().map(|share| CallInFlight::new(Some(share)))
    }

    /// Takes what one repetition costs, or nothing if that is not there.
    ///
    /// What was taken goes back when the permit is dropped, unless the repetition was
    /// [started](BudgetPermit::start): then its token is spent.
    #[inline]
    pub fn try_take(&self) -> Option<BudgetPermit<'_>> {
        let inner = &*self.0;
        (inner.take_in_place() || inner.take()).then(|| BudgetPermit::new(inner))
    }

    /// Takes a token that is spent at once, if there is one and nothing else to account for or to
    /// tell. Where not, nothing is counted as refused: [`try_take`](Self::try_take) comes next.
    // Calls nothing: between attempts that follow one another in place, a call is what costs most.
    #[inline]
    pub(crate) fn try_spend(&self) -> bool {
        let Inner { tokens, granted, .. } = &*self.0;
        let spent = !tokens.is_exhausted() && tokens.take_in_place();
        if spent {
            granted.fetch_add(1, Relaxed);
        }
        spent
    }

    /// What is there now.
    pub fn snapshot(&self) -> BudgetSnapshot {
        let Inner { granted, refused, .. } = &*self.0;
        let tokens = self.0.credited();
        let (calls_in_flight, repetitions_in_flight) =
            self.0.share.as_ref().map(Share::in_flight).unzip();
        BudgetSnapshot {
            tokens: tokens.map(|tokens| wholes(tokens.left())),
            calls_in_flight,
            repetitions_in_flight,
            granted: granted.load(Relaxed),
            refused: refused.load(Relaxed),
        }
    }

    /// Whether it is as it was made, or better: the reserve is there, and nothing in flight.
    pub(super) fn is_at_rest(&self) -> bool {
        let full = |tokens: &Tokens| tokens.left() >= tokens.plan.reserve;
        let idle = |share: &Share| share.in_flight() == (0, 0);
        self.0.credited().is_none_or(full) && self.0.share.as_ref().is_none_or(idle)
    }

    /// Whether nobody but the holder of this handle has it, or does anything with it any more.
    pub(super) fn is_unshared(&mut self) -> bool {
        // Unlike counting the owners this waits for what the last of the others did.
        Arc::get_mut(&mut self.0).is_some()
    }
}

impl Inner {
    #[cold]
    #[inline(never)]
    fn pay_in(&self) {
        if self.tokens.deposit() {
            self.recovers();
        }
    }

    /// The tokens, where they are counted.
    fn counted(&self) -> Option<&Tokens> {
        self.counts_tokens.then_some(&self.tokens)
    }

    /// The tokens, where they are counted, with what the clock has earned.
    #[inline]
    pub(super) fn credited(&self) -> Option<&Tokens> {
        let tokens = self.counted()?;
        if tokens.refills() {
            tokens.refill(self.timeline.now());
        }
        Some(tokens)
    }

    #[inline]
    fn take_in_place(&self) -> bool {
        let taken = self.tokens.take_in_place();
        if taken {
            self.granted();
        }
        taken
    }

    #[inline]
    fn granted(&self) {
        self.granted.fetch_add(1, Relaxed);
        if self.tokens.is_exhausted() {
            self.recovers();
        }
    }

    /// Takes of all that there is to take of, and tells what that says about the budget.
    #[inline(never)]
    fn take(&self) -> bool {
        let taken = self.take_of_all();
        if taken {
            self.granted();
        } else {
            self.refused();
        }
        taken
    }

    #[inline]
    fn take_of_all(&self) -> bool {
        let take_token = || self.credited().is_none_or(Tokens::try_take);
        let Some(share) = &self.share else { return take_token() };
        if !share.try_take() {
            return false;
        }
        let taken = take_token();
        if !taken {
            share.give_back();
        }
        taken
    }

    /// Gives back what was taken for a repetition that was `started` or not.
    #[inline]
    pub(super) fn release(&self, started: bool) {
        if started {
            self.leave();
        } else if !self.tokens.give_back_in_place() {
            self.give_back();
        }
    }

    #[inline(never)]
    fn give_back(&self) {
        if let Some(tokens) = self.counted() {
            tokens.give_back();
        }
        self.leave();
    }

    /// Gives back the place in flight.
    #[inline]
    fn leave(&self) {
        if let Some(share) = &self.share {
            share.give_back();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
fn wholes(billionths: u64) -> f64 {
    billionths as f64 / WHOLE as f64
}

impl fmt::Display for Budget {
    /// The configuration in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("budget of ")?;
        if let Some(Tokens { plan, .. }) = self.0.counted() {
            write!(f, "{} tokens", wholes(plan.reserve))?;
            if plan.capacity != plan.reserve {
                write!(f, " (at most {})", wholes(plan.capacity))?;
            }
            write!(f, " and {} a call", wholes(plan.deposit))?;
            if plan.per_second > 0 {
                write!(f, " and {} a second", wholes(plan.per_second))?;
            }
            if plan.cost != WHOLE {
                write!(f, ", {} a repetition", wholes(plan.cost))?;
            }
        }
        if let Some(Share { plan, .. }) = &self.0.share {
            let and = if self.0.counted().is_some() { ", and of " } else { "" };
            let percent = wholes(plan.share * 100);
            write!(f, "{and}{percent}% of the calls in flight, at least {}", plan.floor)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("name", &self.0.name)
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}
