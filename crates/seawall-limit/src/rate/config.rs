use std::time::Duration;

use seawall_core::{
    Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Reporter, Setup, Timeline,
};
use tokio_util::sync::CancellationToken;

use super::machine::Algorithm;
use super::quota::Quota;
use super::shared::Shared;
use super::sliding_log::SlidingLog;
use super::state::StateCell;
use super::{RateLimit, defaults};

/// Builds a [`RateLimit`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct RateLimitBuilder {
    setup: Setup,
    algorithm: Algorithm,
    permits: u64,
    period: Duration,
    burst: Option<u64>,
    queue: Option<(u32, Duration)>,
}

impl Default for RateLimitBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            algorithm: Algorithm::Gcra,
            permits: defaults::PERMITS,
            period: defaults::PERIOD,
            burst: None,
            queue: None,
        }
    }
}

impl RateLimitBuilder {
    /// Its name in errors, events and metrics. Default: the pipeline's, or "rate limit".
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// `permits` calls in each `period`: at least one, in more than zero and at most 584 years.
    /// Default: [100](defaults::PERMITS) in [one second](defaults::PERIOD).
    pub const fn rate(mut self, permits: u64, period: Duration) -> Self {
        self.permits = permits;
        self.period = period;
        self
    }

    /// `permits` calls a second.
    pub const fn per_second(self, permits: u64) -> Self {
        self.rate(permits, Duration::from_secs(1))
    }

    /// How many calls may start at once after an idle time. Only for [`Algorithm::Gcra`].
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

    /// Lets up to `capacity` calls wait, first come, first served, each for at most `longest_wait`
    /// and never past its deadline. A call that would have to wait for longer is refused at once.
    /// Default: no queue.
    pub const fn queue(mut self, capacity: u32, longest_wait: Duration) -> Self {
        self.queue = Some((capacity, longest_wait));
        self
    }

    /// The listeners that receive its events. Default: the pipeline's.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Once `token` is cancelled, calls that wait are refused with "shutting down".
    pub fn shutdown(mut self, token: CancellationToken) -> Self {
        self.setup.shutdown(token);
        self
    }

    /// Builds the rate limit. It has its full burst at once. Errors name the field and the allowed
    /// range.
    pub fn build(self) -> Result<RateLimit, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<RateLimit, ConfigError> {
        let quota = self.quota()?;
        let check = Check::of(PolicyKind::RateLimit);
        if let Some((capacity, longest_wait)) = self.queue {
            check.at_least_one("queue", capacity)?;
            check.positive("longest_wait", longest_wait)?;
        }
        let reporter = self.setup.reporter(PolicyKind::RateLimit)?;
        let shared = Shared {
            state: StateCell::new(self.algorithm, quota),
            refused: 0.into(),
            shown: quota.shown().to_bits().into(),
            time: Timeline::new(),
            algorithm: self.algorithm,
            shutdown: self.setup.token().cloned(),
            queue: self.queue,
        };
        Ok(RateLimit::of(shared, reporter))
    }

    /// The reporter and the quota of a set of limits, which has no other setting.
    pub(super) fn into_keyed_parts(self) -> Result<(Reporter, Quota), ConfigError> {
        self.keyed_parts().map_err(|error| self.setup.name_error(error))
    }

    fn keyed_parts(&self) -> Result<(Reporter, Quota), ConfigError> {
        let check = Check::of(PolicyKind::RateLimit);
        for (field, is_set) in [
            ("algorithm", self.algorithm != Algorithm::Gcra),
            ("queue", self.queue.is_some()),
            ("shutdown", self.setup.token().is_some()),
        ] {
            check.that(!is_set, field, "set", "left out where there is a limit for each key")?;
        }
        Ok((self.setup.reporter(PolicyKind::RateLimit)?, self.quota()?))
    }

    fn quota(&self) -> Result<Quota, ConfigError> {
        quota(self.algorithm, self.permits, self.period, self.burst)
    }
}

/// A quota that `algorithm` can count.
pub(super) fn quota(
    algorithm: Algorithm,
    permits: u64,
    period: Duration,
    burst: Option<u64>,
) -> Result<Quota, ConfigError> {
    let check = Check::of(PolicyKind::RateLimit);
    let has_burst = algorithm == Algorithm::Gcra;
    let allowed = "left out where the algorithm has none";
    check.that(burst.is_none() || has_burst, "burst", burst.unwrap_or(0), allowed)?;
    let fits = algorithm != Algorithm::SlidingLog || permits <= SlidingLog::MAX_PERMITS;
    let allowed = "at most 1,000,000 in a sliding log, which remembers each";
    check.that(fits, "permits", permits, allowed)?;
    Quota::new(permits, period, burst)
}

impl Layer for RateLimitBuilder {
    type Policy = RateLimit;

    fn into_policy(mut self, context: &LayerContext) -> Result<RateLimit, ConfigError> {
        self.setup = self.setup.fill(context);
        self.build()
    }
}
