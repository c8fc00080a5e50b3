use parking_lot::Mutex;
use seawall_core::{
    Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Setup, Timeline,
};

use super::deadband::SharedDeadband;
use super::shared::Shared;
use super::state::State;
use super::{Adaptation, Adaptive, AdaptiveLimit, Aimd, Range, defaults};
use crate::semaphore::{
    Headroom, Limiter, MAX_LIMIT, Partitions, Priority, QueueConfig, Semaphore, Shares,
};

/// Builds an [`AdaptiveLimit`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct AdaptiveLimitBuilder {
    setup: Setup,
    adaptation: Adaptation,
    min: u32,
    max: u32,
    initial: Option<u32>,
    shadow: bool,
    shares: Shares,
}

impl Default for AdaptiveLimitBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            adaptation: Adaptation::Aimd(Aimd::default()),
            min: defaults::MIN,
            max: defaults::MAX,
            initial: None,
            shadow: false,
            shares: Shares::default(),
        }
    }
}

impl AdaptiveLimitBuilder {
    /// Its name in errors, events and metrics. Default: the pipeline's, or "adaptive limit".
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// How it adapts. Default: [`Aimd`].
    pub const fn adaptation(mut self, adaptation: Adaptation) -> Self {
        self.adaptation = adaptation;
        self
    }

    /// The limit never falls below this: at least 1. Default: [2](defaults::MIN).
    pub const fn min(mut self, min: u32) -> Self {
        self.min = min;
        self
    }

    /// The limit never rises above this: at least the minimum, at most 1,073,741,823. Default:
    /// [1,000,000](defaults::MAX).
    pub const fn max(mut self, max: u32) -> Self {
        self.max = max;
        self
    }

    /// The limit before the first sample: between the minimum and the maximum. Default:
    /// [20](defaults::INITIAL), or the bound nearest to it.
    pub const fn initial(mut self, initial: u32) -> Self {
        self.initial = Some(initial);
        self
    }

    /// Refuses nothing, but adapts, and counts the calls that it would have refused. Default: off.
    pub const fn shadow(mut self) -> Self {
        self.shadow = true;
        self
    }

    /// Lets calls of `priority` use only a part of the limit, above 0 and at most 1, so that they are
    /// the first to be refused when load rises or the limit falls. A higher priority can't have less
    /// than a lower one. Default: all of the limit. With less than a half the limit grows only while
    /// more important calls use it, too.
    pub fn priority_share(mut self, priority: Priority, part: f64) -> Self {
        self.shares.set(priority, part);
        self
    }

    /// The listeners that receive its events. Default: the pipeline's.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Builds the limit. Errors name the field and the allowed range.
    pub fn build(self) -> Result<AdaptiveLimit, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<AdaptiveLimit, ConfigError> {
        let reporter = self.setup.reporter(PolicyKind::AdaptiveLimit)?;
        let (adaptive, headroom, shadow) = self.adaptive()?;
        let limit = if shadow { MAX_LIMIT } else { adaptive.limit() };
        let semaphore = Semaphore::new(limit, QueueConfig::default(), Partitions::default());
        let state = State::new(adaptive);
        let shared = Shared {
            limiter: Limiter::new(semaphore),
            headroom,
            deadband: SharedDeadband::new(state.deadband()),
            state: Mutex::new(state),
            time: Timeline::new(),
            shadow: shadow.into(),
            would_refuse: 0.into(),
            missed: 0.into(),
        };
        Ok(AdaptiveLimit::of(shared, reporter))
    }

    /// How it adapts, what of the limit is kept for important calls, and whether it is in shadow.
    pub(super) fn adaptive(self) -> Result<(Adaptive, Headroom, bool), ConfigError> {
        let check = Check::of(PolicyKind::AdaptiveLimit);
        let range = self.range(check)?;
        self.check_adaptation(check)?;
        let headroom = self.shares.headroom(check)?;
        Ok((Adaptive::new(self.adaptation, range), headroom, self.shadow))
    }

    fn range(&self, check: Check) -> Result<Range, ConfigError> {
        let Self { min, max, initial, .. } = *self;
        check.that((1..=MAX_LIMIT).contains(&min), "min", min, "between 1 and 1,073,741,823")?;
        let fits = (min..=MAX_LIMIT).contains(&max);
        check.that(fits, "max", max, "at least the minimum, at most 1,073,741,823")?;
        // The default yields to bounds that were chosen; a choice has to fit them.
        let initial = initial.unwrap_or(defaults::INITIAL.clamp(min, max));
        let fits = (min..=max).contains(&initial);
        check.that(fits, "initial", initial, "between the minimum and the maximum")?;
        Ok(Range { min, max, initial })
    }

    fn check_adaptation(&self, check: Check) -> Result<(), ConfigError> {
        match self.adaptation {
            Adaptation::Aimd(aimd) => {
                let (increase, decrease) = aimd.parameters();
                let fits = increase > 0.0 && increase.is_finite();
                check.that(fits, "increase", increase, "above 0 and finite")?;
                let fits = decrease > 0.0 && decrease < 1.0;
                check.that(fits, "decrease", decrease, "above 0 and below 1")
            }
            Adaptation::Vegas(vegas) => check.at_least_one("memory", vegas.parameters()).map(drop),
            Adaptation::Gradient(gradient) => {
                let (tolerance, room) = gradient.parameters();
                let fits = tolerance >= 1.0 && tolerance.is_finite();
                check.that(fits, "tolerance", tolerance, "at least 1 and finite")?;
                check.that(room >= 0.0 && room.is_finite(), "room", room, "at least 0 and finite")
            }
        }
    }
}

impl Layer for AdaptiveLimitBuilder {
    type Policy = AdaptiveLimit;

    fn into_policy(mut self, context: &LayerContext) -> Result<AdaptiveLimit, ConfigError> {
        self.setup = self.setup.fill(context);
        self.build()
    }
}
