//! How a hedge is configured.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    AtomicDuration, Attempt, Check, ConfigError, Layer, LayerContext, Listeners, Name, Policy,
    PolicyKind,
};
use tokio_util::sync::CancellationToken;

use super::Hedge;
use super::defaults::{
    DEFAULT_MAX_ATTEMPTS, DEFAULT_MIN_SAMPLES, DEFAULT_PERCENTILE, MAX_ATTEMPTS,
};
use super::latency::Latencies;
use super::plan::{HedgePlan, LivePlan};
use crate::Budget;
use crate::shared::{BudgetSource, SharedSettings};

/// When a hedge is launched.
#[derive(Clone)]
pub(super) enum After {
    Fixed(Arc<AtomicDuration>),
    Function(Arc<AfterFn>),
    Percentile(Arc<Latencies>),
}

type AfterFn = dyn Fn(&Attempt) -> Duration + Send + Sync;

/// The setting for it.
#[derive(Clone)]
pub(super) enum Delay {
    Fixed(Duration),
    Function(Arc<AfterFn>),
    Percentile(f64),
}

/// Builds a [`Hedge`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | the pipeline's, `"hedge"` alone | |
/// | [`delay`](Self::delay), [`delay_by`](Self::delay_by), [`delay_percentile`](Self::delay_percentile) | the 95th percentile | [`DEFAULT_PERCENTILE`] |
/// | [`min_samples`](Self::min_samples) | 100 | [`DEFAULT_MIN_SAMPLES`] |
/// | [`max_attempts`](Self::max_attempts) | 2 | [`DEFAULT_MAX_ATTEMPTS`] |
/// | [`max_in_flight`](Self::max_in_flight) | as many as there may be attempts | |
/// | [`budget`](Self::budget) | one of its own: a fifth of the calls, and 10 | [`DEFAULT_DEPOSIT`](crate::budget::DEFAULT_DEPOSIT) |
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct HedgeBuilder {
    shared: SharedSettings,
    delay: Delay,
    min_samples: u32,
    max_attempts: u32,
    max_in_flight: Option<u32>,
}

impl Default for HedgeBuilder {
    fn default() -> Self {
        Self {
            shared: SharedSettings::default(),
            delay: Delay::Percentile(DEFAULT_PERCENTILE),
            min_samples: DEFAULT_MIN_SAMPLES,
            max_attempts: DEFAULT_MAX_ATTEMPTS,
            max_in_flight: None,
        }
    }
}

impl HedgeBuilder {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.shared.setup.name(name);
        self
    }

    /// Launches a hedge when the attempts before it have been under way for `delay` without an
    /// outcome. Zero: as soon as they are found to be pending.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Delay::Fixed(delay);
        self
    }

    /// Launches a hedge after the delay that `delay` gives for the attempt that was launched last. If
    /// it panics, none is launched.
    pub fn delay_by(
        mut self,
        delay: impl Fn(&Attempt) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.delay = Delay::Function(Arc::new(delay));
        self
    }

    /// Launches a hedge after the time within which this share of recent calls had their outcome;
    /// above 0 and below 1.
    ///
    /// Until there are [enough](Self::min_samples) of them, hedges are launched only after a failure.
    /// Latencies are kept in 512 counters, to a sixteenth, from a microsecond to 71 minutes. Whenever
    /// a thousand are counted, all counts are halved.
    pub fn delay_percentile(mut self, percentile: f64) -> Self {
        self.delay = Delay::Percentile(percentile);
        self
    }

    /// How many latencies have to be known before a percentile of them is used. 1 to 1,000,000.
    pub fn min_samples(mut self, min_samples: u32) -> Self {
        self.min_samples = min_samples;
        self
    }

    /// How many attempts a call may have, the primary included: 1 to [`MAX_ATTEMPTS`].
    pub fn max_attempts(mut self, max_attempts: u32) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// How many attempts of a call may be under way at once, the primary included. At least 1.
    pub fn max_in_flight(mut self, max_in_flight: u32) -> Self {
        self.max_in_flight = Some(max_in_flight);
        self
    }

    /// The budget that pays for hedges, shared with retries and other hedges. Unless it is set, a
    /// hedge has a budget of its own with the defaults of [`BudgetBuilder`](crate::BudgetBuilder).
    pub fn budget(mut self, budget: &Budget) -> Self {
        self.shared.budget = BudgetSource::Shared(budget.clone());
        self
    }

    /// No budget. A dependency that slows down then gets up to
    /// [`max_attempts`](Self::max_attempts) times its healthy traffic.
    pub fn without_budget(mut self) -> Self {
        self.shared.budget = BudgetSource::None;
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.shared.setup.listeners(listeners);
        self
    }

    /// Once `token` is cancelled no hedge is launched. Attempts that are under way go on.
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.shared.setup.shutdown(token);
        self
    }

    /// Builds the hedge. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Hedge, ConfigError> {
        let setup = self.shared.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<Hedge, ConfigError> {
        let shared = self.shared.clone();
        let (plan, when, _) = self.rules()?;
        Ok(Hedge {
            shared: shared.build(PolicyKind::Hedge)?,
            plan: Arc::new(LivePlan::new(plan)),
            after: when.into(),
        })
    }

    /// The settings, and where the budget comes from.
    pub(super) fn rules(self) -> Result<(HedgePlan, When, BudgetSource), ConfigError> {
        let Self { shared, delay, min_samples, max_attempts, max_in_flight } = self;
        let fits = (1..=MAX_ATTEMPTS).contains(&max_attempts);
        CHECK.that(fits, "max_attempts", max_attempts, "at least 1 and at most 16")?;
        let max_in_flight = max_in_flight.unwrap_or(max_attempts);
        CHECK.at_least_one("max_in_flight", max_in_flight)?;
        if let Delay::Percentile(percentile) = delay {
            let holds = percentile > 0.0 && percentile < 1.0;
            CHECK.that(holds, "delay_percentile", percentile, "above 0 and below 1")?;
            let enough = (1..=1_000_000).contains(&min_samples);
            CHECK.that(enough, "min_samples", min_samples, "between 1 and 1,000,000")?;
        }
        let plan = HedgePlan { max_attempts, max_in_flight };
        Ok((plan, When { delay, min_samples }, shared.budget))
    }
}

const CHECK: Check = Check::of(PolicyKind::Hedge);

/// When a hedge is to be launched, as it was checked.
pub(super) struct When {
    delay: Delay,
    min_samples: u32,
}

impl From<When> for After {
    fn from(when: When) -> Self {
        match when.delay {
            Delay::Fixed(delay) => Self::Fixed(Arc::new(AtomicDuration::new(delay))),
            Delay::Function(delay) => Self::Function(delay),
            Delay::Percentile(percentile) => {
                Self::Percentile(Arc::new(Latencies::new(percentile, when.min_samples)))
            }
        }
    }
}

impl After {
    /// Whether it can be `when` without being built anew.
    pub(super) fn check(&self, when: &When) -> Result<(), ConfigError> {
        let (field, holds) = match &when.delay {
            Delay::Fixed(_) => ("delay", matches!(self, Self::Fixed(_))),
            Delay::Percentile(_) => ("delay_percentile", matches!(self, Self::Percentile(_))),
            Delay::Function(_) => ("delay_by", false),
        };
        CHECK.that(holds, field, "set", "what it was built with")
    }

    pub(super) fn replace(&self, when: &When) {
        match (self, &when.delay) {
            (Self::Fixed(current), Delay::Fixed(delay)) => current.store(*delay),
            (Self::Percentile(latencies), Delay::Percentile(percentile)) => {
                latencies.replace(*percentile, when.min_samples);
            }
            _ => {}
        }
    }
}

impl Layer for HedgeBuilder {
    type Policy = Hedge;

    fn into_policy(mut self, context: &LayerContext) -> Result<Hedge, ConfigError> {
        self.shared = self.shared.fill(context);
        // A budget that it shares with others is a handle.
        Ok(self.build()?.heard_by(&context.listeners))
    }
}

impl fmt::Debug for HedgeBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeBuilder")
            .field("shared", &self.shared)
            .field("max_attempts", &self.max_attempts)
            .finish_non_exhaustive()
    }
}
