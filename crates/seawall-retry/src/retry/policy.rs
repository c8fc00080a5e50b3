//! The handle, and the operation that it wraps.

use std::fmt;
use std::sync::Arc;

use seawall_core::inspect::{Settings, Value};
use seawall_core::{
    AllTransient, Attempt, Call, Class, ConfigError, Description, FromAttemptFn, FromFn, Inspect,
    Lazy, Listeners, Name, Operation, Policy, PolicyKind, Random, contain,
};

use super::live::{Live, Rules};
use super::{RetryBuilder, RetryFuture};
use crate::Budget;
use crate::shared::Shared;

/// Repeats an operation that failed, until it succeeds or there is a reason to stop.
///
/// [The chapter](crate) says what is repeated, when, and what comes back. Cloning a retry is cheap.
/// Clones share their budget, their source of chance and their listeners.
#[derive(Clone)]
pub struct Retry {
    pub(super) shared: Shared,
    pub(super) random: Random,
    pub(super) live: Arc<Live>,
}

type May = dyn Fn(&Attempt, Class) -> bool + Send + Sync;

/// The user's predicate on attempts.
#[derive(Clone)]
pub(super) struct Veto(pub(super) Arc<May>);

/// An operation with a [`Retry`] around it.
#[derive(Clone, Debug)]
pub struct RetryCall<'p, Op> {
    retry: &'p Retry,
    op: Op,
}

impl Retry {
    /// Starts a retry with the defaults that [`RetryBuilder`] lists.
    pub fn builder() -> RetryBuilder {
        RetryBuilder::default()
    }
}

impl Retry {
    /// Its name.
    pub fn name(&self) -> &Name {
        self.shared.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.shared.reporter.listeners()
    }

    /// Replaces the settings, for all handles. A call whose first attempt has failed goes on by the rules
    /// that were in force then; a deadline counts for calls that begin from now on. A budget of its own
    /// takes the new figures and [keeps its tokens](Budget::reconfigure). A name, listeners, a token and
    /// a source of random numbers in `builder` are ignored.
    ///
    /// # Errors
    ///
    /// Names the wrong field and its allowed range; the old settings stay. Whether there is a budget,
    /// and which one is shared, can't be changed.
    pub fn reconfigure(&self, builder: RetryBuilder) -> Result<(), ConfigError> {
        self.take(builder).map_err(|error| error.of(self.name()))
    }

    fn take(&self, builder: RetryBuilder) -> Result<(), ConfigError> {
        let (rules, budget) = builder.rules()?;
        self.shared.reconfigure_budget(PolicyKind::Retry, budget)?;
        self.live.replace(rules);
        Ok(())
    }

    /// The budget that pays for its repetitions, if there is one.
    pub fn budget(&self) -> Option<&Budget> {
        self.shared.budget.as_ref()
    }

    /// This retry with another budget: that of a [key](crate::KeyedBudget), for instance.
    #[must_use]
    pub fn with_budget(&self, budget: &Budget) -> Self {
        let mut retry = self.clone();
        retry.shared.share_budget(budget);
        retry
    }

    /// Calls the operation that `make` makes, once for each attempt: `|| async { .. }`,
    /// `async || { .. }`, or the name of an async function without arguments. All its errors are
    /// transient; [`classify`](seawall_core::PolicyExt::classify) tells them apart.
    ///
    /// # Cancel safety
    ///
    /// The future does nothing before it is first polled. Dropping it, at any point, drops the
    /// attempt that is under way or the wait for the next one; nothing is left behind.
    pub fn call<F, Fut, T, E>(&self, make: F) -> Lazy<RetryCall<'_, FromFn<'static, F>>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::new(self.wrap(FromFn::new(make, &AllTransient)))
    }

    /// [`call`](Self::call) for a closure that takes the [`Attempt`]: its number, the time left, and
    /// the class of the attempt before it. State that is kept across attempts lives in `make`.
    pub fn call_with<F, Fut, T, E>(&self, make: F) -> Lazy<RetryCall<'_, FromAttemptFn<'static, F>>>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::new(self.wrap(FromAttemptFn::new(make, &AllTransient)))
    }

    /// `attempt` as the first of a call. A deadline of the retry's own counts from its beginning.
    #[inline]
    pub(super) fn first(&self, attempt: Attempt) -> Attempt {
        let (max_attempts, deadline) = self.live.limits();
        let mut attempt = attempt.numbered(1, max_attempts);
        // A deadline that no clock will ever reach is none.
        match deadline.and_then(|limit| attempt.began().checked_add(limit)) {
            Some(deadline) => attempt.due_by(deadline),
            None => attempt,
        }
    }

    /// Whether the deadline of `attempt` is the retry's own.
    pub(super) fn is_due_by_itself(&self, mut attempt: Attempt) -> bool {
        let (_, deadline) = self.live.limits();
        let own = deadline.and_then(|limit| attempt.began().checked_add(limit));
        own.is_some() && own == attempt.deadline()
    }

    /// Whether the budget counts calls in flight.
    pub(super) fn counts_in_flight(&self) -> bool {
        self.shared.budget.as_ref().is_some_and(Budget::counts_in_flight)
    }

    pub(super) fn forbids(&self, rules: &Rules, attempt: &Attempt, class: Class) -> bool {
        let Some(veto) = &rules.veto else { return false };
        let may = contain(|| veto.0(attempt, class)).unwrap_or_else(|report| {
            self.shared.report_panic(report);
            false
        });
        !may
    }
}

impl Policy for Retry {
    type Wrapped<'p, Op>
        = RetryCall<'p, Op>
    where
        Self: 'p;

    fn wrap<Op>(&self, op: Op) -> RetryCall<'_, Op> {
        RetryCall { retry: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        let attempts = inner.max_attempts();
        let longest = inner.longest();
        let rules = self.live.rules();
        let plan = &rules.plan;
        let max_attempts = (plan.max_attempts > 0).then_some(plan.max_attempts);
        inner
            .layer_with(PolicyKind::Retry, self.name(), self.to_string(), self.settings())
            .with_fact("least_waits", plan.least_waits())
            .with_fact("unless_carried_out", !plan.idempotent)
            .with_max_attempts(
                max_attempts.zip(attempts).map(|(own, inner)| inner.saturating_mul(own.into())),
            )
            .with_longest(longest.and_then(|attempt| plan.longest(attempt, rules.deadline)))
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        each(Arc::new(self.shared.reporter.clone()));
        if let Some(budget) = self.budget() {
            each(Arc::new(budget.clone()));
        }
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { shared: self.shared.heard_by(listeners), ..self }
    }
}

impl Retry {
    /// The settings under the names of the builder's setters.
    fn settings(&self) -> Settings {
        let rules = self.live.rules();
        let plan = &rules.plan;
        let limit = |limit: u32| (limit > 0).then_some(limit);
        Settings::new()
            .with("max_attempts", limit(plan.max_attempts).map_or(Value::Never, Value::from))
            .with("backoff", plan.backoff.to_string())
            .with("idempotent", plan.idempotent)
            .with("deadline", rules.deadline)
            .with("max_retry_after", plan.max_retry_after)
            .with("wait_for_rejections", plan.wait_for_rejections)
            .with("max_same_panics", limit(plan.max_same_panics))
            .with("budget", self.budget().is_some())
    }
}

impl fmt::Display for Retry {
    /// The configuration in one line, as in a pipeline's description.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rules = self.live.rules();
        let plan = &rules.plan;
        match (plan.max_attempts, plan.idempotent) {
            (1, _) => f.write_str("one attempt")?,
            (0, true) => f.write_str("any number of attempts")?,
            (attempts, true) => write!(f, "at most {attempts} attempts")?,
            (attempts, false) => {
                let more: &dyn fmt::Display = if attempts == 0 { &"any number" } else { &attempts };
                write!(f, "one attempt, up to {more} where it was certainly not carried out")?;
            }
        }
        if let Some(deadline) = rules.deadline {
            write!(f, " within {deadline:?}")?;
        }
        write!(f, ", {}, waits of up to {:?} where asked for", plan.backoff, plan.max_retry_after)?;
        match self.budget() {
            Some(budget) => write!(f, ", {budget}"),
            None => f.write_str(", no budget"),
        }
    }
}

impl<'p, Op> Call for RetryCall<'p, Op>
where
    Op: Operation,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = RetryFuture<'p, Op>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        RetryFuture::start(self.retry, self.op, attempt)
    }
}

impl fmt::Debug for Veto {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Veto")
    }
}

impl fmt::Debug for Retry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("name", self.name())
            .field("plan", &self.live.rules().plan)
            .finish_non_exhaustive()
    }
}
