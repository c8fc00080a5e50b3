//! The handle.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::sync::atomic::fence;

use seawall_core::admission::Mark;
use seawall_core::{Check, ConfigError, Listeners, Name, PolicyKind, Reporter, Timeline};

use super::permit::{BudgetPermit, CallInFlight};
use super::share::{Share, SharePlan};
use super::tokens::{TokenPlan, Tokens, WHOLE};
use super::{BudgetBuilder, BudgetSnapshot};
use seawall_core::sync::AtomicU64;

/// Limits how many calls are repeated, by retries and hedges alike. Clones share it.
///
/// With a budget, a dependency that is down does not get three times its healthy traffic. There are
/// two ways to count, and a budget may use both: tokens, which calls pay in and repetitions take out,
/// and a share of the calls in flight.
///
/// A call inside another of the same budget, in the same task, pays nothing in: a retry around a hedge
/// has one bound for both.
///
/// Checking and taking are one atomic step. A budget never stops the first attempt of a call. When it
/// is empty, the outcome that would have been repeated comes back, and
/// [`GaveUp`](seawall_core::GaveUp) says why.
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
/// | started, whatever its outcome: success, failure, panic, dropped | is spent | is given back when the attempt is over |
#[derive(Clone)]
pub struct Budget {
    pub(super) inner: Arc<Inner>,
    pub(super) reporter: Reporter,
}

pub(super) struct Inner {
    // If tokens are not counted, the plan is all zeros and takes no deposit.
    pub(super) tokens: Tokens,
    counts_tokens: bool,
    pub(super) share: Option<Share>,
    timeline: Timeline,
    pub(super) granted: AtomicU64,
    pub(super) refused: AtomicU64,
    /// How many were granted before the last refusal.
    pub(super) granted_before: AtomicU64,
}

impl Budget {
    /// Starts a budget with the defaults that [`BudgetBuilder`] lists.
    pub fn builder() -> BudgetBuilder {
        BudgetBuilder::default()
    }

    pub(super) fn of(
        reporter: Reporter,
        tokens: Option<TokenPlan>,
        share: Option<SharePlan>,
    ) -> Self {
        let counts_tokens = tokens.is_some();
        let inner = Inner {
            tokens: Tokens::new(tokens.unwrap_or_default()),
            counts_tokens,
            share: share.map(Share::new),
            timeline: Timeline::new(),
            granted: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            granted_before: AtomicU64::new(0),
        };
        Self { inner: Arc::new(inner), reporter }
    }

    /// Its name.
    pub fn name(&self) -> &Name {
        self.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }

    /// Counts a call: pays in for it, and counts it as in flight until the returned value is
    /// dropped. Retries and hedges do this for each of their calls.
    pub fn call(&self) -> CallInFlight<'_> {
        self.pay_in();
        self.enter().unwrap_or(CallInFlight::UNCOUNTED)
    }

    /// Pays in for a call, unless it is part of one that has. Returns whether the budget has room:
    /// while the call is polled, it should then be [marked](Self::mark).
    #[inline]
    pub(crate) fn pay_in(&self) -> bool {
        let room = self.inner.tokens.has_room();
        if room {
            self.deposit();
        }
        room
    }

    /// What marks a call of this budget while it is polled: calls inside of it pay nothing in.
    pub(crate) fn mark(&self) -> Mark {
        Mark::new(&*self.inner, 0)
    }

    #[cold]
    fn deposit(&self) {
        if !self.mark().is_around() && self.inner.tokens.deposit() {
            self.recovers();
        }
    }

    /// Whether both are handles of one budget.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.inner, &other.inner)
    }

    pub(crate) fn counts_in_flight(&self) -> bool {
        self.inner.share.is_some()
    }

    /// Counts a call as in flight, if the budget counts that.
    pub(crate) fn enter(&self) -> Option<CallInFlight<'_>> {
        self.inner.share.as_ref().map(CallInFlight::new)
    }

    /// Takes the cost of one repetition, or nothing if the budget does not have it.
    ///
    /// Dropping the permit gives back what was taken, unless the repetition was
    /// [started](BudgetPermit::start): then its token is spent.
    pub fn try_acquire(&self) -> Option<BudgetPermit<'_>> {
        self.take().then(|| BudgetPermit::new(self))
    }

    fn take(&self) -> bool {
        let acquired = self.inner.take_token_and_place();
        if acquired {
            self.inner.granted.fetch_add(1, Relaxed);
            if self.inner.tokens.is_exhausted() {
                self.recovers();
            }
        } else {
            self.refused();
        }
        acquired
    }

    /// This budget in a pipeline, whose `listeners` receive the events of its calls, too.
    #[must_use]
    pub fn heard_by(self, listeners: &Listeners) -> Self {
        Self { reporter: self.reporter.heard_by(listeners), ..self }
    }

    /// The state of the budget now. Reads the clock if the budget refills by time.
    pub fn snapshot(&self) -> BudgetSnapshot {
        let Inner { granted, refused, .. } = &*self.inner;
        let tokens = self.inner.credited();
        let (calls_in_flight, repetitions_in_flight) =
            self.inner.share.as_ref().map(Share::in_flight).unzip();
        BudgetSnapshot {
            tokens: tokens.map(|tokens| wholes(tokens.left())),
            reserve: tokens.map(|tokens| wholes(tokens.plan().reserve)),
            capacity: tokens.map(|tokens| wholes(tokens.plan().capacity)),
            calls_in_flight,
            repetitions_in_flight,
            granted: granted.load(Relaxed),
            refused: refused.load(Relaxed),
        }
    }

    /// Replaces the figures. Tokens that are there stay, as far as they fit; what is granted and in flight
    /// stays, too. A name and listeners in `builder` are ignored.
    ///
    /// Each figure is replaced by itself: for a moment a call may go by some of the old ones.
    ///
    /// # Errors
    ///
    /// Names the wrong field and its allowed range; the old figures stay. Whether tokens and places in
    /// flight are counted can't be changed.
    pub fn reconfigure(&self, builder: BudgetBuilder) -> Result<(), ConfigError> {
        let (tokens, share) = self.figures(builder).map_err(|error| error.of(self.name()))?;
        self.apply(tokens, share);
        Ok(())
    }

    fn figures(
        &self,
        builder: BudgetBuilder,
    ) -> Result<(Option<TokenPlan>, Option<SharePlan>), ConfigError> {
        let (_, tokens, share) = builder.parts()?;
        let check = Check::of(PolicyKind::Budget);
        let built = "what it was built with";
        let counted = |counts| if counts { "counted" } else { "not counted" };
        let (was, is) = (self.inner.counted().is_some(), tokens.is_some());
        check.that(was == is, "without_tokens", counted(is), built)?;
        let (was, is) = (self.inner.share.is_some(), share.is_some());
        check.that(was == is, "in_flight", counted(is), built)?;
        Ok((tokens, share))
    }

    /// Whether a new budget could take its place unnoticed: this is its only handle, the reserve is
    /// there, and nothing is in flight.
    pub(super) fn is_replaceable(&self) -> bool {
        if Arc::strong_count(&self.inner) > 1 {
            return false;
        }
        // Pairs with the drop of the last other handle: what was done through it is seen below.
        fence(Acquire);
        let full = |tokens: &Tokens| tokens.left() >= tokens.plan().reserve;
        let idle = |share: &Share| share.in_flight() == (0, 0);
        self.inner.credited().is_none_or(full) && self.inner.share.as_ref().is_none_or(idle)
    }

    /// Replaces the plans and keeps the balance. Whether tokens and places in flight are counted
    /// stays as it is.
    pub(super) fn apply(&self, tokens: Option<TokenPlan>, share: Option<SharePlan>) {
        if let (Some(tokens), Some(plan)) = (self.inner.counted(), tokens) {
            tokens.replace_plan(plan);
        }
        if let (Some(share), Some(plan)) = (&self.inner.share, share) {
            share.replace_plan(plan);
        }
    }
}

impl Inner {
    /// The tokens, if they are counted.
    fn counted(&self) -> Option<&Tokens> {
        self.counts_tokens.then_some(&self.tokens)
    }

    /// The tokens, if they are counted, after crediting those that time has added.
    pub(super) fn credited(&self) -> Option<&Tokens> {
        let tokens = self.counted()?;
        if tokens.refills() {
            tokens.refill(self.timeline.now());
        }
        Some(tokens)
    }

    fn take_token_and_place(&self) -> bool {
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

    /// Gives back what was taken for a repetition: its token unless it was `started`, and its place
    /// in flight.
    pub(super) fn release(&self, started: bool) {
        if let (false, Some(tokens)) = (started, self.counted()) {
            tokens.give_back();
        }
        if let Some(share) = &self.share {
            share.give_back();
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
pub(super) fn wholes(billionths: u64) -> f64 {
    billionths as f64 / WHOLE as f64
}

impl fmt::Display for Budget {
    /// The configuration in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("budget of ")?;
        if let Some(plan) = self.inner.counted().map(Tokens::plan) {
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
        if let Some(plan) = self.inner.share.as_ref().map(Share::plan) {
            let and = if self.inner.counted().is_some() { ", and of " } else { "" };
            let percent = wholes(plan.share * 100);
            write!(f, "{and}{percent}% of the calls in flight, at least {}", plan.floor)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Budget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Budget")
            .field("name", self.name())
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}
