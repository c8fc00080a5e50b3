//! The handle, and the operation that it wraps.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::inspect::Settings;
use seawall_core::{
    AllTransient, Attempt, Call, ConfigError, Description, FromAttemptFn, FromFn, Inspect, Lazy,
    Listeners, Name, Operation, Policy, PolicyKind, contain,
};

use super::config::After;
use super::plan::{HedgePlan, LivePlan};
use super::{HedgeBuilder, HedgeFuture};
use crate::Budget;
use crate::shared::Shared;

/// Launches a second attempt while the first is slow, and takes the outcome that comes first.
///
/// Put a hedge only around operations that may be carried out more than once, and concurrently,
/// without harm: the loser is dropped, not undone. What the caller says about one call
/// ([`Attempt::idempotent`]) takes precedence: with `false`, the primary stays alone.
///
/// A failure that may be repeated launches the next attempt at once. After a dependency has said that
/// it is overloaded and when to come back ([`Class::Overloaded`](seawall_core::Class::Overloaded)),
/// no more attempts are launched; those under way go on.
///
/// # What comes back
///
/// The first answer: a success, or a permanent failure, which the other attempts would not better.
/// If all attempts fail otherwise, the primary's failure comes back, wrapped in
/// [`GaveUp`](seawall_core::GaveUp) if there was more than one attempt, with the failures of the
/// hedges as its history in the order in which they ended. If a permanent failure ends the call, that
/// is the error, and the failures before it are its history, the primary's first.
///
/// The losers are dropped. To a breaker inside they are neither success nor failure, whatever it takes
/// for an abandoned call: nobody gave up on them.
///
/// Clones share their latencies, budget and listeners.
///
/// ```
/// use std::time::Duration;
/// use seawall_retry::Hedge;
///
/// # async fn fetch() -> Result<u32, std::io::Error> { Ok(42) }
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hedge = Hedge::builder().delay(Duration::from_millis(50)).build()?;
/// assert_eq!(hedge.call(|| fetch()).await?, 42);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Hedge {
    pub(super) shared: Shared,
    pub(super) plan: Arc<LivePlan>,
    pub(super) after: After,
}

/// An operation with a [`Hedge`] around it.
#[derive(Clone, Debug)]
pub struct HedgeCall<'p, Op> {
    hedge: &'p Hedge,
    op: Op,
}

impl Hedge {
    /// Starts a hedge with the defaults that [`HedgeBuilder`] lists.
    pub fn builder() -> HedgeBuilder {
        HedgeBuilder::default()
    }
}

impl Hedge {
    /// Its name.
    pub fn name(&self) -> &Name {
        self.shared.reporter.name()
    }

    /// The listeners that receive its events.
    pub fn listeners(&self) -> &Listeners {
        self.shared.reporter.listeners()
    }

    /// Replaces the settings, for all handles; calls under way go on by the new ones. Latencies that were
    /// measured stay, and so do the tokens of a budget. A name, listeners and a token in `builder` are
    /// ignored.
    ///
    /// # Errors
    ///
    /// Names the wrong field and its allowed range; the old settings stay. Whether the delay is fixed,
    /// a percentile or by function can't be changed, nor which budget pays.
    pub fn reconfigure(&self, builder: HedgeBuilder) -> Result<(), ConfigError> {
        self.take(builder).map_err(|error| error.of(self.name()))
    }

    fn take(&self, builder: HedgeBuilder) -> Result<(), ConfigError> {
        let (plan, when, budget) = builder.rules()?;
        self.after.check(&when)?;
        self.shared.reconfigure_budget(PolicyKind::Hedge, budget)?;
        self.after.replace(&when);
        self.plan.replace(plan);
        Ok(())
    }

    /// The budget that pays for its hedges, if there is one.
    pub fn budget(&self) -> Option<&Budget> {
        self.shared.budget.as_ref()
    }

    /// The percentile of recent latencies, if it is used and there are enough of them.
    pub fn percentile(&self) -> Option<Duration> {
        match &self.after {
            After::Percentile(latencies) => latencies.current(),
            _ => None,
        }
    }

    /// Calls the operation that `make` makes, once for each attempt: `|| async { .. }`,
    /// `async || { .. }`, or the name of an async function without arguments. All its errors are
    /// transient; [`classify`](seawall_core::PolicyExt::classify) tells them apart.
    ///
    /// # Cancel safety
    ///
    /// The future does nothing before it is first polled. Dropping it, at any point, drops all
    /// attempts that are under way.
    pub fn call<F, Fut, T, E>(&self, make: F) -> Lazy<HedgeCall<'_, FromFn<'static, F>>>
    where
        F: FnMut() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::new(self.wrap(FromFn::new(make, &AllTransient)))
    }

    /// [`call`](Self::call) for a closure that takes the [`Attempt`].
    pub fn call_with<F, Fut, T, E>(&self, make: F) -> Lazy<HedgeCall<'_, FromAttemptFn<'static, F>>>
    where
        F: FnMut(Attempt) -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        Lazy::new(self.wrap(FromAttemptFn::new(make, &AllTransient)))
    }

    /// How long to wait after `attempt` was launched before the next is; `None` if it never is.
    pub(super) fn delay_after(&self, attempt: &Attempt) -> Option<Duration> {
        match &self.after {
            After::Fixed(delay) => Some(delay.load()),
            After::Percentile(latencies) => latencies.current(),
            After::Function(delay) => {
                contain(|| delay(attempt)).map_err(|report| self.shared.report_panic(report)).ok()
            }
        }
    }
}

impl Policy for Hedge {
    type Wrapped<'p, Op>
        = HedgeCall<'p, Op>
    where
        Self: 'p;

    const CAN_BLOCK: bool = false;

    fn wrap<Op>(&self, op: Op) -> HedgeCall<'_, Op> {
        HedgeCall { hedge: self, op }
    }

    fn describe(&self, inner: Description) -> Description {
        let (attempts, longest) = (inner.max_attempts(), inner.longest());
        let max_attempts = self.plan.load().max_attempts;
        inner
            .layer_with(PolicyKind::Hedge, self.name(), self.to_string(), self.settings())
            .with_max_attempts(attempts.map(|inner| inner.saturating_mul(max_attempts.into())))
            // At worst each attempt is launched when the one before it has failed.
            .with_longest(longest.map(|attempt| attempt.saturating_mul(max_attempts)))
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

impl Hedge {
    /// The settings under the names of the builder's setters.
    fn settings(&self) -> Settings {
        let plan = self.plan.load();
        Settings::new()
            .with("max_attempts", plan.max_attempts)
            .with("max_in_flight", plan.max_in_flight)
            .with("budget", self.budget().is_some())
    }
}

impl fmt::Display for Hedge {
    /// The configuration in one line, as in a pipeline's description.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let HedgePlan { max_attempts, max_in_flight } = self.plan.load();
        write!(f, "at most {max_attempts} attempts, {max_in_flight} at once, ")?;
        match &self.after {
            After::Fixed(delay) => write!(f, "the next after {:?}", delay.load())?,
            After::Function(_) => f.write_str("the next by function")?,
            After::Percentile(latencies) => {
                write!(f, "the next after {latencies}")?;
            }
        }
        match self.budget() {
            Some(budget) => write!(f, ", {budget}"),
            None => f.write_str(", no budget"),
        }
    }
}

impl<'p, Op> Call for HedgeCall<'p, Op>
where
    Op: Operation,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = HedgeFuture<'p, Op>;

    fn start(self, attempt: Attempt) -> Self::Future {
        HedgeFuture::start(self.hedge, self.op, attempt)
    }
}

impl fmt::Debug for Hedge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hedge")
            .field("name", self.name())
            .field("plan", &self.plan.load())
            .field("percentile", &self.percentile())
            .finish_non_exhaustive()
    }
}
