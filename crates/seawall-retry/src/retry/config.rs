//! How a retry is configured.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    Attempt, Backoff, Check, Class, ConfigError, Layer, LayerContext, Listeners, Name, Policy,
    PolicyKind, Random,
};
use tokio_util::sync::CancellationToken;

use super::Retry;
use super::defaults::{
    DEFAULT_INITIAL_DELAY, DEFAULT_MAX_ATTEMPTS, DEFAULT_MAX_DELAY, DEFAULT_MAX_RETRY_AFTER,
    DEFAULT_MAX_SAME_PANICS, MAX_HISTORY,
};
use super::live::{Live, Rules};
use super::plan::Plan;
use super::policy::Veto;
use crate::shared::{BudgetSource, SharedSettings};
use crate::{Budget, BudgetBuilder};

/// Builds a [`Retry`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | the pipeline's, `"retry"` alone | |
/// | [`max_attempts`](Self::max_attempts) | 3 | [`DEFAULT_MAX_ATTEMPTS`] |
/// | [`backoff`](Self::backoff) | exponential from 100 ms by 2 up to 5 s, full jitter | [`DEFAULT_INITIAL_DELAY`], [`DEFAULT_MAX_DELAY`] |
/// | [`idempotent`](Self::idempotent) | off: only what was certainly not carried out is repeated | nothing is carried out twice unless that does no harm |
/// | [`budget`](Self::budget) | one of its own: a fifth of the calls, and 10 | [`DEFAULT_DEPOSIT`](crate::budget::DEFAULT_DEPOSIT) |
/// | [`deadline`](Self::deadline) | none of its own | a timeout around the retry sets one |
/// | [`max_retry_after`](Self::max_retry_after) | 60 s | [`DEFAULT_MAX_RETRY_AFTER`] |
/// | [`wait_for_rejections`](Self::wait_for_rejections) | off | our own policies refuse calls for a reason |
/// | [`max_same_panics`](Self::max_same_panics) | 2 | [`DEFAULT_MAX_SAME_PANICS`] |
/// | [`history`](Self::history) | 0 | errors can be large |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct RetryBuilder {
    shared: SharedSettings,
    max_attempts: Option<u32>,
    backoff: Backoff,
    idempotent: bool,
    deadline: Option<Duration>,
    max_retry_after: Duration,
    wait_for_rejections: bool,
    max_same_panics: u32,
    history: usize,
    veto: Option<Veto>,
}

impl Default for RetryBuilder {
    fn default() -> Self {
        Self {
            shared: SharedSettings::default(),
            max_attempts: Some(DEFAULT_MAX_ATTEMPTS),
            backoff: Backoff::exponential(DEFAULT_INITIAL_DELAY).max(DEFAULT_MAX_DELAY),
            idempotent: false,
            deadline: None,
            max_retry_after: DEFAULT_MAX_RETRY_AFTER,
            wait_for_rejections: false,
            max_same_panics: DEFAULT_MAX_SAME_PANICS,
            history: 0,
            veto: None,
        }
    }
}

impl RetryBuilder {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.shared.setup.name(name);
        self
    }

    /// How many attempts a call may have, the first included: 1 is to call once. At least 1.
    pub fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = Some(max_attempts);
        self
    }

    /// Any number of attempts: until one succeeds, or a deadline, the budget, a shutdown or a
    /// failure that is not to be repeated ends the call.
    pub fn unlimited_attempts(mut self) -> Self {
        self.max_attempts = None;
        self
    }

    /// How long to wait between attempts: a [`Backoff`], or a `Duration` for a constant delay
    /// without jitter.
    pub fn backoff(mut self, backoff: impl Into<Backoff>) -> Self {
        self.backoff = backoff.into();
        self
    }

    /// Says that the operation may be carried out more than once without harm.
    ///
    /// Without it, only what was certainly [not carried out](seawall_core::CarriedOut::No) is repeated:
    /// after every other failure, a timeout above all, nobody knows whether it was.
    /// What the caller says about one call ([`Attempt::idempotent`]) takes precedence: with `false`
    /// nothing is repeated.
    pub fn idempotent(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// The time within which attempts may be started, counted from the start of the call. Above
    /// zero.
    ///
    /// An attempt that could not start before it is not waited for: the retry gives up at once. If a
    /// wait took longer than it should have, the attempt after it is not started.
    /// Each attempt carries the deadline, so a timeout inside is cut to what is left. The retry
    /// itself does not interrupt an attempt that is under way. Of this deadline and one from further
    /// out the sooner counts.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The longest wait that a dependency, or one of our own policies, can ask for. Up to this, the
    /// retry waits at least as long as it was asked to. If it is asked for more, it gives up at once
    /// with [`StopReason::RetryAfter`](seawall_core::StopReason::RetryAfter), and the error's
    /// [`retry_after`](seawall_core::Error::retry_after) says until when. Above zero.
    pub fn max_retry_after(mut self, max_retry_after: Duration) -> Self {
        self.max_retry_after = max_retry_after;
        self
    }

    /// Waits when one of our own policies inside refuses a call and knows when to try again, such as
    /// an open breaker. The refusal counts as an attempt but takes nothing from the budget. Unless
    /// this is set, every rejection ends the call at once.
    pub fn wait_for_rejections(mut self) -> Self {
        self.wait_for_rejections = true;
        self
    }

    /// How often the same panic, with the same message and location, may come before the retry gives
    /// up. Another panic in between restarts the count, another failure does not. At least 1. Only a
    /// panic guard inside turns panics into errors.
    pub fn max_same_panics(mut self, max_same_panics: u32) -> Self {
        self.max_same_panics = max_same_panics;
        self
    }

    /// How many of the errors before the last one are kept in [`GaveUp`](seawall_core::GaveUp), the
    /// latest ones. At most [`MAX_HISTORY`].
    pub fn history(mut self, history: usize) -> Self {
        self.history = history;
        self
    }

    /// The budget that pays for repetitions, shared with other retries and hedges. Unless it is set,
    /// a retry has a budget of its own with the defaults of [`BudgetBuilder`](crate::BudgetBuilder).
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.shared.budget = BudgetSource::Shared(budget.clone());
        self
    }

    /// A budget of its own with these settings, and the name and listeners of the retry.
    pub fn own_budget(mut self, budget: BudgetBuilder) -> Self {
        self.shared.budget = BudgetSource::Own(budget);
        self
    }

    /// No budget: every call may use all its attempts. A dependency that is down then gets
    /// [`max_attempts`](Self::max_attempts) times its healthy traffic.
    pub fn without_budget(mut self) -> Self {
        self.shared.budget = BudgetSource::None;
        self
    }

    /// The source of the random numbers for jitter.
    pub fn random(mut self, random: Random) -> Self {
        self.shared.setup.random(random);
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.shared.setup.listeners(listeners);
        self
    }

    /// Once `token` is cancelled no further attempt is started, and calls that wait for one end at
    /// once, with the last error and
    /// [`StopReason::Shutdown`](seawall_core::StopReason::Shutdown). An attempt that is under way
    /// is left alone.
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.shared.setup.shutdown(token);
        self
    }

    /// Asks `may` before each repetition, with the attempt that failed and its class; `false` ends
    /// the call. It is asked only if nothing else forbids another attempt, except the budget, which
    /// comes last.
    ///
    /// A panic in it is contained, reported, and counts as `false`.
    pub fn while_attempt(
        mut self,
        may: impl Fn(&Attempt, Class) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.veto = Some(Veto(Arc::new(may)));
        self
    }

    /// Builds the retry. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Retry, ConfigError> {
        let setup = self.shared.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<Retry, ConfigError> {
        let random = self.shared.setup.source().cloned().unwrap_or_default();
        let shared = self.shared.clone();
        let (rules, _) = self.rules()?;
        let live = Arc::new(Live::new(rules));
        Ok(Retry { shared: shared.build(PolicyKind::Retry)?, random, live })
    }

    /// The settings, and where the budget comes from.
    pub(super) fn rules(self) -> Result<(Rules, BudgetSource), ConfigError> {
        const CHECK: Check = Check::of(PolicyKind::Retry);
        let Self { shared, max_attempts, deadline, max_retry_after, idempotent, .. } = self;
        let Self { backoff, max_same_panics, history, wait_for_rejections, veto, .. } = self;
        backoff.check(CHECK)?;
        if let Some(deadline) = deadline {
            CHECK.positive("deadline", deadline)?;
        }
        CHECK.that(history <= MAX_HISTORY, "history", history, "at most 64")?;
        let plan = Plan {
            // In the plan 0 is unlimited: one word less to look at for each attempt.
            max_attempts: match max_attempts {
                Some(limit) => CHECK.at_least_one("max_attempts", limit)?,
                None => 0,
            },
            idempotent,
            wait_for_rejections,
            max_same_panics: CHECK.at_least_one("max_same_panics", max_same_panics)?,
            max_retry_after: CHECK.positive("max_retry_after", max_retry_after)?,
            backoff,
        };
        Ok((Rules { plan, deadline, history, veto }, shared.budget))
    }
}

impl Layer for RetryBuilder {
    type Policy = Retry;

    fn into_policy(mut self, context: &LayerContext) -> Result<Retry, ConfigError> {
        self.shared = self.shared.fill(context);
        // A budget that it shares with others is a handle.
        Ok(self.build()?.heard_by(&context.listeners))
    }
}
