//! The builder of chaos.

use std::fmt;
use std::ops::{Range, RangeInclusive};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    AllTransient, Attempt, Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind,
    Setup,
};

use crate::counts::ChaosCounts;
use crate::machine::Shares;
use crate::outcomes::{By, Nothing};
use crate::policy::Chaos;
use crate::shared::Shared;

type When = Arc<dyn Fn(&Attempt) -> bool + Send + Sync>;
type AbortIf = Arc<dyn Fn(&ChaosCounts) -> bool + Send + Sync>;

/// Which attempts are candidates, and what ends it all.
#[derive(Clone)]
pub(crate) struct Bounds {
    pub(crate) when: Option<When>,
    pub(crate) attempts: RangeInclusive<u32>,
    pub(crate) every_nth: u64,
    pub(crate) per_call: bool,
    pub(crate) at_most_in_flight: u32,
    pub(crate) budget: u64,
    pub(crate) until: Option<Duration>,
    pub(crate) abort_if: Option<AbortIf>,
    pub(crate) end_marker: Option<PathBuf>,
    pub(crate) unguarded: bool,
}

impl fmt::Debug for Bounds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bounds")
            .field("every_nth", &self.every_nth)
            .field("budget", &self.budget)
            .field("until", &self.until)
            .finish_non_exhaustive()
    }
}

/// Builds [`Chaos`]. The [chapter](crate) has the table of defaults.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct ChaosBuilder<F = Nothing, G = Nothing, C = AllTransient> {
    setup: Setup,
    seed: u64,
    enabled: bool,
    shares: Shares,
    bounds: Bounds,
    error: F,
    outcome: G,
    classifier: C,
}

impl Default for ChaosBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            seed: 0,
            enabled: false,
            shares: Shares::default(),
            bounds: Bounds {
                when: None,
                attempts: 1..=u32::MAX,
                every_nth: 1,
                per_call: false,
                at_most_in_flight: u32::MAX,
                budget: u64::MAX,
                until: None,
                abort_if: None,
                end_marker: None,
                unguarded: false,
            },
            error: Nothing,
            outcome: Nothing,
            classifier: AllTransient,
        }
    }
}

impl<F, G, C> ChaosBuilder<F, G, C> {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Which attempts get a fault follows from this and from their number, whatever runs at the same
    /// time.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Injects from the beginning. Without it chaos is off until [`Chaos::enable`].
    pub fn enabled(mut self) -> Self {
        self.enabled = true;
        self
    }

    /// Starts a `share` of the attempts later, by a delay that is evenly distributed in `delays`.
    pub fn latency(mut self, share: f64, delays: Range<Duration>) -> Self {
        (self.shares.latency, self.shares.delays) = (share, delays);
        self
    }

    /// Lets a `share` of the attempts fail with an error that `error` makes. A text that begins with
    /// "injected" tells it from real ones.
    pub fn error<N, E>(self, share: f64, error: N) -> ChaosBuilder<By<N>, G, C>
    where
        N: Fn(Attempt) -> E,
    {
        let Self { setup, seed, enabled, mut shares, bounds, outcome, classifier, .. } = self;
        shares.error = share;
        ChaosBuilder { setup, seed, enabled, shares, bounds, error: By(error), outcome, classifier }
    }

    /// Gives a `share` of the attempts a result that `outcome` makes, such as a stale value.
    pub fn outcome<N, T, E>(self, share: f64, outcome: N) -> ChaosBuilder<F, By<N>, C>
    where
        N: Fn(Attempt) -> Result<T, E>,
    {
        let Self { setup, seed, enabled, mut shares, bounds, error, classifier, .. } = self;
        shares.outcome = share;
        ChaosBuilder {
            setup,
            seed,
            enabled,
            shares,
            bounds,
            error,
            outcome: By(outcome),
            classifier,
        }
    }

    /// Decides what an injected outcome means, as the pipeline's own classifier does for real ones: give
    /// it the same. Without it every error is transient, and every `Ok` a success.
    pub fn classify<D>(self, classifier: D) -> ChaosBuilder<F, G, D> {
        let Self { setup, seed, enabled, shares, bounds, error, outcome, .. } = self;
        ChaosBuilder { setup, seed, enabled, shares, bounds, error, outcome, classifier }
    }

    /// Lets a `share` of the attempts panic. A pipeline without a panic guard around it refuses to be
    /// built, unless [`unguarded`](Self::unguarded) is said.
    pub fn panic(mut self, share: f64) -> Self {
        self.shares.panic = share;
        self
    }

    /// Lets panics go where there is no guard.
    pub fn unguarded(mut self) -> Self {
        self.bounds.unguarded = true;
        self
    }

    /// Lets a `share` of the attempts never be answered.
    pub fn never(mut self, share: f64) -> Self {
        self.shares.never = share;
        self
    }

    /// Only attempts of which `when` says so are candidates. A panic in it means no.
    pub fn when(mut self, when: impl Fn(&Attempt) -> bool + Send + Sync + 'static) -> Self {
        self.bounds.when = Some(Arc::new(when));
        self
    }

    /// Only attempts with these numbers are candidates: `1..=1` spares retries.
    pub fn attempts(mut self, numbers: RangeInclusive<u32>) -> Self {
        self.bounds.attempts = numbers;
        self
    }

    /// Only each `n`th attempt is a candidate. With a share of 1 that is exactly each `n`th.
    pub fn every_nth(mut self, n: u64) -> Self {
        self.bounds.every_nth = n;
        self
    }

    /// Draws once for a call, so that its retries meet what its first attempt met.
    pub fn per_call(mut self) -> Self {
        self.bounds.per_call = true;
        self
    }

    /// At most this many attempts have a fault at a time.
    pub fn at_most_in_flight(mut self, most: u32) -> Self {
        self.bounds.at_most_in_flight = most;
        self
    }

    /// Ends for good after this many faults.
    pub fn budget(mut self, faults: u64) -> Self {
        self.bounds.budget = faults;
        self
    }

    /// Ends for good after this time, counted from when it was enabled.
    pub fn until(mut self, time: Duration) -> Self {
        self.bounds.until = Some(time);
        self
    }

    /// Ends for good once `rule` says so, which is asked before each fault. A panic in it ends it, too.
    pub fn abort_if(mut self, rule: impl Fn(&ChaosCounts) -> bool + Send + Sync + 'static) -> Self {
        self.bounds.abort_if = Some(Arc::new(rule));
        self
    }

    /// Of the attempts that would get a fault, a `share` is only counted: the control group.
    pub fn control(mut self, share: f64) -> Self {
        self.shares.control = share;
        self
    }

    /// A file that is written when it ends for good. Where it is there at the start, chaos stays off
    /// although it is [`enabled`](Self::enabled): a restart does not switch it on again.
    /// [`Chaos::enable`] does, and removes the file.
    pub fn end_marker(mut self, file: impl Into<PathBuf>) -> Self {
        self.bounds.end_marker = Some(file.into());
        self
    }

    /// Builds the policy. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Chaos<F, G, C>, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<Chaos<F, G, C>, ConfigError> {
        let check = Check::of(PolicyKind::Chaos);
        let (shares, bounds) = (&self.shares, &self.bounds);
        let parts = [
            ("latency", shares.latency),
            ("error", shares.error),
            ("outcome", shares.outcome),
            ("panic", shares.panic),
            ("never", shares.never),
            ("control", shares.control),
        ];
        for (field, share) in parts {
            check.that((0.0..=1.0).contains(&share), field, share, "between 0 and 1")?;
        }
        let sum = shares.sum();
        check.that(sum <= 1.0 + 1e-9, "shares", sum, "at most 1 in sum: each is a share of all")?;
        let delays = format!("{:?}", shares.delays);
        let empty = shares.latency > 0.0 && shares.delays.is_empty();
        check.that(!empty, "latency", delays, "a range of delays that is not empty")?;
        check.at_least_one("every_nth", bounds.every_nth)?;
        check.at_least_one("at_most_in_flight", bounds.at_most_in_flight)?;
        check.at_least_one("budget", bounds.budget)?;
        if let Some(until) = bounds.until {
            check.positive("until", until)?;
        }
        let reporter = self.setup.reporter(PolicyKind::Chaos)?;
        let ended = bounds.end_marker.as_ref().is_some_and(|file| file.exists());
        let Self { seed, enabled, shares, bounds, error, outcome, classifier, .. } = self;
        let state = Shared::new(seed, shares, bounds, error, outcome, classifier);
        let chaos = Chaos { shared: Arc::new(state), reporter };
        if enabled && !ended {
            chaos.enable();
        }
        Ok(chaos)
    }
}

impl<F, G, C> Layer for ChaosBuilder<F, G, C>
where
    Chaos<F, G, C>: seawall_core::Policy,
{
    type Policy = Chaos<F, G, C>;

    fn into_policy(mut self, context: &LayerContext) -> Result<Chaos<F, G, C>, ConfigError> {
        self.setup = self.setup.fill(context);
        self.build()
    }
}
