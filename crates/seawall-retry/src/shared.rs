//! What a retry and a hedge have in common.

use seawall_core::admission::Inside;
use seawall_core::{
    Attempt, Check, ConfigError, Counted, Error, EventKind, GaveUp, LayerContext, Listeners,
    PanicReport, PolicyKind, Reporter, Setup, StopReason,
};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{Budget, BudgetBuilder, CallInFlight};

/// The settings that both builders have.
#[derive(Clone, Debug, Default)]
pub(crate) struct SharedSettings {
    pub(crate) setup: Setup,
    pub(crate) budget: BudgetSource,
}

/// Where the budget of a policy that repeats comes from.
#[derive(Clone, Debug)]
pub(crate) enum BudgetSource {
    /// A budget of its own.
    Own(BudgetBuilder),
    /// One that other policies may have, too.
    Shared(Budget),
    None,
}

impl Default for BudgetSource {
    fn default() -> Self {
        Self::Own(Budget::builder())
    }
}

impl SharedSettings {
    /// Takes from a pipeline what was not set.
    pub(crate) fn fill(self, context: &LayerContext) -> Self {
        Self { setup: self.setup.fill(context), ..self }
    }

    pub(crate) fn build(self, kind: PolicyKind) -> Result<Shared, ConfigError> {
        let reporter = self.setup.reporter(kind)?;
        let owns_budget = matches!(self.budget, BudgetSource::Own(_));
        let budget = match self.budget {
            BudgetSource::Own(budget) => {
                Some(budget.name(reporter.name()).listeners(reporter.listeners()).build()?)
            }
            BudgetSource::Shared(budget) => Some(budget),
            BudgetSource::None => None,
        };
        Ok(Shared { reporter, budget, owns_budget, shutdown: self.setup.token().cloned() })
    }
}

/// The parts of a policy that repeats: the budget that pays, and the token that stops it.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) reporter: Reporter,
    pub(crate) budget: Option<Budget>,
    owns_budget: bool,
    pub(crate) shutdown: Option<CancellationToken>,
}

impl Shared {
    /// The same in a pipeline with these listeners; the budget, too.
    pub(crate) fn heard_by(self, listeners: &Listeners) -> Self {
        Self {
            reporter: self.reporter.heard_by(listeners),
            budget: self.budget.map(|budget| budget.heard_by(listeners)),
            ..self
        }
    }

    /// Takes another budget, that others may have, too.
    pub(crate) fn share_budget(&mut self, budget: &Budget) {
        self.budget = Some(budget.clone());
        self.owns_budget = false;
    }

    /// Gives a budget of its own other figures. Whether there is one, and which, stays.
    pub(crate) fn reconfigure_budget(
        &self,
        kind: PolicyKind,
        source: BudgetSource,
    ) -> Result<(), ConfigError> {
        let check = Check::of(kind);
        let built = "what it was built with";
        match (source, &self.budget) {
            (BudgetSource::Own(builder), Some(budget)) if self.owns_budget => {
                budget.reconfigure(builder)
            }
            (BudgetSource::Shared(other), Some(budget)) => {
                check.that(other.is(budget), "budget", "another", built)
            }
            (BudgetSource::None, None) => Ok(()),
            (BudgetSource::None, Some(_)) => check.that(false, "without_budget", "set", built),
            (_, _) => check.that(false, "budget", "another", built),
        }
    }

    pub(crate) fn report_panic(&self, report: PanicReport) {
        self.reporter.count(Counted::Panicked);
        self.reporter.report(|| EventKind::Panicked(report));
    }

    /// Pays in for a call. Returns whether the budget has room: see [`mark`](Self::mark).
    #[inline]
    pub(crate) fn pay_in(&self) -> bool {
        self.budget.as_ref().is_some_and(Budget::pay_in)
    }

    /// Marks what this thread does as part of a call of this policy, until the value is dropped: calls
    /// inside of it that share its budget pay nothing in.
    #[cold]
    pub(crate) fn mark(&self) -> Option<Inside> {
        self.budget.as_ref().map(|budget| budget.mark().enter())
    }

    /// Counts a call as in flight, if the budget counts that.
    pub(crate) fn enter(&self) -> CallInFlight<'_> {
        self.budget.as_ref().and_then(Budget::enter).unwrap_or(CallInFlight::UNCOUNTED)
    }

    pub(crate) fn is_shutting_down(&self) -> bool {
        self.shutdown.as_ref().is_some_and(CancellationToken::is_cancelled)
    }

    /// Ends a call that began with `first` and made `attempts`. `complete` adds to the error what
    /// only the policy knows.
    #[cold]
    pub(crate) fn give_up<E>(
        &self,
        why: StopReason,
        mut first: Attempt,
        attempts: u32,
        last: Error<E>,
        complete: impl FnOnce(&mut GaveUp<E>),
    ) -> Error<E> {
        self.reporter.count(Counted::GaveUp(why));
        self.reporter.report(|| EventKind::gave_up(attempts, why, last.class()));
        let elapsed = Instant::now().saturating_duration_since(first.began());
        let name = self.reporter.name().clone();
        let mut gave_up = GaveUp::new(name, self.reporter.kind(), why, attempts, elapsed, last)
            .out_of(first.max())
            .after(first.carried_out());
        complete(&mut gave_up);
        Error::from(gave_up)
    }
}
