use std::marker::PhantomData;
use std::time::Duration;

use parking_lot::RwLock;
use seawall_core::{Check, ConfigError, Listeners, Name, PolicyKind, Timeline};

use super::KeyedRateLimit;
use super::cells::Cells;
use super::policy::Shared;
use crate::rate::config::{DEFAULT_PERIOD, DEFAULT_PERMITS};
use crate::rate::gcra::GcraRate;
use crate::rate::quota::Quota;

/// 10,000 keys: below 1 MB with keys of the size of a `String`.
pub const DEFAULT_MAX_KEYS: usize = 10_000;

/// Builds a [`KeyedRateLimit`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct KeyedRateLimitBuilder<K> {
    name: Option<Name>,
    permits: u64,
    period: Duration,
    burst: Option<u64>,
    max_keys: usize,
    listeners: Listeners,
    key: PhantomData<fn(K)>,
}

impl<K> Default for KeyedRateLimitBuilder<K> {
    fn default() -> Self {
        Self {
            name: None,
            permits: DEFAULT_PERMITS,
            period: DEFAULT_PERIOD,
            burst: None,
            max_keys: DEFAULT_MAX_KEYS,
            listeners: Listeners::default(),
            key: PhantomData,
        }
    }
}

impl<K> KeyedRateLimitBuilder<K> {
    /// Its name in errors, events and metrics; the limit of a key is called `name[key]`. Default:
    /// "rate limit".
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// `permits` calls of each key in each `period`. Default: 100 in one second.
    pub const fn rate(mut self, permits: u64, period: Duration) -> Self {
        self.permits = permits;
        self.period = period;
        self
    }

    /// `permits` calls of each key a second.
    pub const fn per_second(self, permits: u64) -> Self {
        self.rate(permits, Duration::from_secs(1))
    }

    /// How many calls of a key may start at once. Default: as many as a period grants.
    pub const fn burst(mut self, burst: u64) -> Self {
        self.burst = Some(burst);
        self
    }

    /// How many keys are remembered, rounded up to a multiple of 16. Default:
    /// [10,000](DEFAULT_MAX_KEYS).
    pub const fn max_keys(mut self, max_keys: usize) -> Self {
        self.max_keys = max_keys;
        self
    }

    /// Tells `listeners` of refusals.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = listeners.clone();
        self
    }

    /// Builds it, or names the field that is wrong.
    pub fn build(self) -> Result<KeyedRateLimit<K>, ConfigError> {
        let check = Check::of(PolicyKind::RateLimit);
        let quota = Quota::new(check, self.permits, self.period, self.burst)?;
        check.that(self.max_keys > 0, "max_keys", self.max_keys, "at least 1")?;
        let name = check.name(self.name.unwrap_or_else(|| Name::from("rate limit")))?;
        Ok(KeyedRateLimit::new(Shared {
            cells: Cells::new(self.max_keys),
            rate: RwLock::new(GcraRate::new(quota)),
            time: Timeline::new(),
            name,
            listeners: self.listeners,
            refused: 0.into(),
        }))
    }
}
