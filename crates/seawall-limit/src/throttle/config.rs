use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Random, Reporter, Setup,
};

use super::shared::Settings;
use super::{Throttle, defaults};

/// Builds a [`Throttle`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct ThrottleBuilder {
    setup: Setup,
    k: f64,
    min_requests: u32,
    window: Duration,
    max_probability: f64,
}

impl Default for ThrottleBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            k: defaults::K,
            min_requests: defaults::MIN_REQUESTS,
            window: defaults::WINDOW,
            max_probability: defaults::MAX_PROBABILITY,
        }
    }
}

impl ThrottleBuilder {
    /// Its name in errors, events and metrics. Default: the pipeline's, or "throttle".
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// How many calls may be made for each that is accepted: at least 1, finite. Default:
    /// [2](defaults::K).
    pub const fn k(mut self, k: f64) -> Self {
        self.k = k;
        self
    }

    /// With fewer calls than this in the window none is shed. Default:
    /// [10](defaults::MIN_REQUESTS).
    pub const fn min_requests(mut self, min_requests: u32) -> Self {
        self.min_requests = min_requests;
        self
    }

    /// How long a call counts: at least 10 ns, at most 584 years. The window slides by tenths.
    /// Default: [10 s](defaults::WINDOW).
    pub const fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// The largest probability of being shed: above 0 and below 1. Default:
    /// [0.9](defaults::MAX_PROBABILITY).
    pub const fn max_probability(mut self, max_probability: f64) -> Self {
        self.max_probability = max_probability;
        self
    }

    /// The source of its random numbers. Default: the thread's generator.
    pub fn random(mut self, random: Random) -> Self {
        self.setup.random(random);
        self
    }

    /// The listeners that receive its events. Default: the pipeline's.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    pub(super) fn parts(self) -> Result<(Reporter, Arc<Settings>), ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<(Reporter, Arc<Settings>), ConfigError> {
        let reporter = self.setup.reporter(PolicyKind::Throttle)?;
        let random = self.setup.source().cloned().unwrap_or_default();
        Ok((reporter, Arc::new(self.settings(random)?)))
    }

    pub(super) fn settings(self, random: Random) -> Result<Settings, ConfigError> {
        let check = Check::of(PolicyKind::Throttle);
        check.that(self.k >= 1.0 && self.k.is_finite(), "k", self.k, "at least 1 and finite")?;
        let p = self.max_probability;
        check.that(p > 0.0 && p < 1.0, "max_probability", p, "above 0 and below 1")?;
        let width = u64::try_from(self.window.as_nanos() / 10).unwrap_or(0);
        let window = format_args!("{:?}", self.window);
        check.that(width > 0, "window", window, "at least 10 ns and at most 584 years")?;
        Ok(Settings {
            k: self.k,
            min_requests: self.min_requests,
            window: self.window,
            width,
            max_probability: self.max_probability,
            random,
        })
    }

    /// Builds the throttle. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Throttle, ConfigError> {
        let (reporter, settings) = self.parts()?;
        Ok(Throttle::of(reporter, settings))
    }
}

impl Layer for ThrottleBuilder {
    type Policy = Throttle;

    fn into_policy(mut self, context: &LayerContext) -> Result<Throttle, ConfigError> {
        self.setup = self.setup.fill(context);
        self.build()
    }
}
