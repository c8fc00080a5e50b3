use std::time::Duration;

use seawall_core::{
    Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Timeline,
};
use tokio_util::sync::CancellationToken;

use super::RateLimit;
use super::machine::Algorithm;
use super::quota::Quota;
use super::shared::Shared;
use super::state::StateCell;

/// 100 calls: with [`DEFAULT_PERIOD`], what many public services grant, and no rate to build on.
/// Say what yours is.
pub const DEFAULT_PERMITS: u64 = 100;

/// A second: how rates are spoken of.
pub const DEFAULT_PERIOD: Duration = Duration::from_secs(1);

/// Builds a [`RateLimit`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct RateLimitBuilder {
    name: Option<Name>,
    algorithm: Algorithm,
    permits: u64,
    period: Duration,
    burst: Option<u64>,
    queue: Option<(u32, Duration)>,
    listeners: Option<Listeners>,
    shutdown: Option<CancellationToken>,
}

impl Default for RateLimitBuilder {
    fn default() -> Self {
        Self {
            name: None,
            algorithm: Algorithm::Gcra,
            permits: DEFAULT_PERMITS,
            period: DEFAULT_PERIOD,
            burst: None,
            queue: None,
            listeners: None,
            shutdown: None,
        }
    }
}

impl RateLimitBuilder {
    /// Its name in errors, events and metrics. Without one: the pipeline's, or "rate limit".
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// `permits` calls in each `period`: at least one, in more than zero and at most 584 years.
    /// Default: [100](DEFAULT_PERMITS) in [one second](DEFAULT_PERIOD).
    pub const fn rate(mut self, permits: u64, period: Duration) -> Self {
        self.permits = permits;
        self.period = period;
        self
    }

    /// `permits` calls a second.
    pub const fn per_second(self, permits: u64) -> Self {
        self.rate(permits, Duration::from_secs(1))
    }

    /// How many calls may start at once after a time of rest. Only for [`Algorithm::Gcra`].
    /// Default: as many as a period grants.
    pub const fn burst(mut self, burst: u64) -> Self {
        self.burst = Some(burst);
        self
    }

    /// How it counts. Default: [`Algorithm::Gcra`].
    pub const fn algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Lets up to `capacity` calls wait, first come first served, each for at most `longest_wait`
    /// and never past its deadline. Who would have to wait for longer is refused at once. Default:
    /// nobody waits.
    pub const fn queue(mut self, capacity: u32, longest_wait: Duration) -> Self {
        self.queue = Some((capacity, longest_wait));
        self
    }

    /// Tells `listeners` of what it does. Without them: the pipeline's.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = Some(listeners.clone());
        self
    }

    /// Once `token` is cancelled, calls that wait are refused with "shutting down".
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.shutdown = Some(token);
        self
    }

    /// Builds the rate limit, or names the field that is wrong. It has its full burst at once.
    pub fn build(self) -> Result<RateLimit, ConfigError> {
        let check = Check::of(PolicyKind::RateLimit);
        check_burst(self.algorithm, self.burst)?;
        let quota = Quota::new(check, self.permits, self.period, self.burst)?;
        if let Some((capacity, longest_wait)) = self.queue {
            check.at_least_one("queue", capacity)?;
            check.positive("longest_wait", longest_wait)?;
        }
        let name = check.name(self.name.unwrap_or_else(|| Name::from("rate limit")))?;
        Ok(RateLimit {
            shared: std::sync::Arc::new(Shared {
                state: StateCell::new(self.algorithm, quota),
                refused: 0.into(),
                shown: quota.shown().to_bits().into(),
                time: Timeline::new(),
                algorithm: self.algorithm,
                name,
                listeners: self.listeners.unwrap_or_default(),
                shutdown: self.shutdown,
                queue: self.queue,
            }),
        })
    }
}

pub(super) fn check_burst(algorithm: Algorithm, burst: Option<u64>) -> Result<(), ConfigError> {
    let fits = burst.is_none() || algorithm == Algorithm::Gcra;
    let allowed = "left out where the algorithm has none";
    Check::of(PolicyKind::RateLimit).that(fits, "burst", burst.unwrap_or(0), allowed)
}

impl Layer for RateLimitBuilder {
    type Policy = RateLimit;

    fn into_policy(mut self, context: &LayerContext) -> Result<RateLimit, ConfigError> {
        self.name.get_or_insert_with(|| context.name.clone());
        self.listeners.get_or_insert_with(|| context.listeners.clone());
        if self.shutdown.is_none() {
            self.shutdown.clone_from(&context.shutdown);
        }
        self.build()
    }
}
