use std::collections::HashMap;
use std::fmt;
use std::future::{Future, Ready};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use seawall_core::{
    AllTransient, Attempt, Check, Class, Classify, ConfigError, Description, Error, Evidence,
    Layer, LayerContext, Listeners, Name, Policy, PolicyKind, Reason, Rejection, Rule, Timeline,
};
use tokio::time::Instant;

use super::Pass;
use super::gcra::{Fine, GcraRate};
use super::quota::Quota;
use crate::admission::{Admission, Limit, Limited};

/// 10,000 keys: below 1 MB with keys of the size of a `String`.
pub const DEFAULT_MAX_KEYS: usize = 10_000;

const SHARDS: usize = 16;

/// A rate limit for each key: user, tenant, address.
///
/// Every key has the same rate and burst, counted by GCRA: 16 bytes beside the key. At most
/// [`max_keys`](KeyedRateLimitBuilder::max_keys) are remembered (up to one in 16 more or less, as
/// keys spread over 16 parts). A key that has its full burst again is as good as new and is
/// forgotten when room is needed. A new key that finds only busy ones has no memory of its own
/// then: it shares **one** rate with all others of that kind, so that neither memory nor rate can
/// be stretched by making up keys. [`snapshot`](Self::snapshot) says how often that happened.
///
/// Calls can't wait: they are refused and told when to come back.
///
/// A pipeline does not see for whom a call is made, so it takes the limit of one key at a time:
/// [`of`](Self::of).
///
/// ```
/// use seawall_limit::KeyedRateLimit;
///
/// let limit = KeyedRateLimit::<String>::builder().per_second(10).burst(1).build()?;
/// assert!(limit.try_acquire("alice").is_ok());
/// assert!(limit.try_acquire("alice").is_err());
/// assert!(limit.try_acquire("bob").is_ok());
/// # Ok::<_, seawall_core::ConfigError>(())
/// ```
pub struct KeyedRateLimit<K> {
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    shards: Box<[Mutex<Shard<K>>]>,
    overflow: Mutex<Fine>,
    rate: RwLock<GcraRate>,
    keys_a_shard: usize,
    hasher: RandomState,
    time: Timeline,
    name: Name,
    listeners: Listeners,
    refused: AtomicU64,
    evicted: AtomicU64,
    overflowed: AtomicU64,
}

struct Shard<K> {
    cells: HashMap<K, Fine>,
    // When looking for idle keys makes sense again: it takes a look at all of them.
    look_again: u64,
}

/// What a keyed rate limit is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedRateLimitSnapshot {
    /// How many keys are remembered.
    pub keys: usize,
    /// How many calls were refused.
    pub refused: u64,
    /// How many idle keys were forgotten to make room.
    pub evicted: u64,
    /// How many calls came with a new key for which there was no room.
    pub overflowed: u64,
}

/// Builds a [`KeyedRateLimit`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing before `build`"]
pub struct KeyedRateLimitBuilder<K> {
    name: Name,
    permits: u64,
    period: Duration,
    burst: Option<u64>,
    max_keys: usize,
    listeners: Listeners,
    key: std::marker::PhantomData<fn(K)>,
}

impl<K> KeyedRateLimitBuilder<K> {
    /// Its name in errors, events and metrics. Default: "rate limit".
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = name.into();
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
        let shard = || Mutex::new(Shard { cells: HashMap::new(), look_again: 0 });
        Ok(KeyedRateLimit {
            shared: Arc::new(Shared {
                shards: (0..SHARDS).map(|_| shard()).collect(),
                overflow: Mutex::new(Fine::default()),
                rate: RwLock::new(GcraRate::new(quota)),
                keys_a_shard: self.max_keys.div_ceil(SHARDS),
                hasher: RandomState::new(),
                time: Timeline::new(),
                name: check.name(self.name)?,
                listeners: self.listeners,
                refused: AtomicU64::new(0),
                evicted: AtomicU64::new(0),
                overflowed: AtomicU64::new(0),
            }),
        })
    }
}

impl<K: Eq + Hash> KeyedRateLimit<K> {
    /// Starts a keyed rate limit.
    pub fn builder() -> KeyedRateLimitBuilder<K> {
        KeyedRateLimitBuilder {
            name: Name::from("rate limit"),
            permits: super::config::DEFAULT_PERMITS,
            period: super::config::DEFAULT_PERIOD,
            burst: None,
            max_keys: DEFAULT_MAX_KEYS,
            listeners: Listeners::default(),
            key: std::marker::PhantomData,
        }
    }

    /// Takes a permit of `key`'s, or says when there will be one.
    pub fn try_acquire<Q>(&self, key: &Q) -> Result<(), Rejection>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        self.take(key, Instant::now())
    }

    fn take<Q>(&self, key: &Q, now: Instant) -> Result<(), Rejection>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let shared = &*self.shared;
        let now = shared.time.at(now);
        let rate = *shared.rate.read();
        let hash = shared.hasher.hash_one(key);
        // The upper four bits: one of 16.
        let index = usize::try_from(hash >> 60).unwrap_or(0);
        let cells = &shared.shards[index];
        shared.take(cells, &rate, key, now).map_err(|wait| shared.refuse(&rate, wait))
    }

    /// Runs `future` if the rate of `key` lets it.
    pub async fn call<Q, Fut, T, E>(&self, key: &Q, future: Fut) -> Result<T, Error<E>>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
        Fut: Future<Output = Result<T, E>>,
    {
        self.try_acquire(key)?;
        future.await.map_err(|error| {
            let class: Class = AllTransient.classify(&error);
            Error::operation_failed(error, class)
        })
    }
}

impl<K: Eq + Hash + Clone> KeyedRateLimit<K> {
    /// The limit of `key`, as a policy: a layer of a pipeline that is made for this key. Making it
    /// takes nothing and remembers nothing.
    pub fn of(&self, key: K) -> KeyRateLimit<K> {
        KeyRateLimit { limit: self.clone(), key }
    }
}

impl<K> KeyedRateLimit<K> {
    /// Sets another rate for all keys. Time that was used up stays used up.
    pub fn set_rate(&self, permits: u64, period: Duration, burst: u64) -> Result<(), ConfigError> {
        let check = Check::of(PolicyKind::RateLimit);
        let quota = Quota::new(check, permits, period, Some(burst))?;
        let rate = GcraRate::new(quota);
        for shard in &self.shared.shards {
            // A fraction of a nanosecond means something else under another rate.
            shard.lock().cells.values_mut().for_each(Fine::round_up);
        }
        self.shared.overflow.lock().round_up();
        *self.shared.rate.write() = rate;
        Ok(())
    }

    /// What it is doing.
    pub fn snapshot(&self) -> KeyedRateLimitSnapshot {
        KeyedRateLimitSnapshot {
            keys: self.shared.shards.iter().map(|shard| shard.lock().cells.len()).sum(),
            refused: self.shared.refused.load(Ordering::Relaxed),
            evicted: self.shared.evicted.load(Ordering::Relaxed),
            overflowed: self.shared.overflowed.load(Ordering::Relaxed),
        }
    }
}

impl<K: Eq + Hash> Shared<K> {
    fn take<Q>(
        &self,
        shard: &Mutex<Shard<K>>,
        rate: &GcraRate,
        key: &Q,
        now: u64,
    ) -> Result<(), u64>
    where
        K: std::borrow::Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let mut shard = shard.lock();
        if let Some(cell) = shard.cells.get_mut(key) {
            return rate.take(cell, now, 1);
        }
        if shard.cells.len() >= self.keys_a_shard {
            self.evict(&mut shard, rate, now);
        }
        if shard.cells.len() >= self.keys_a_shard {
            drop(shard);
            self.overflowed.fetch_add(1, Ordering::Relaxed);
            return rate.take(&mut self.overflow.lock(), now, 1);
        }
        let mut cell = Fine::default();
        let taken = rate.take(&mut cell, now, 1);
        shard.cells.insert(key.to_owned(), cell);
        taken
    }

    // A look at every key, so not again before one more of them can have become idle for sure.
    fn evict(&self, shard: &mut Shard<K>, rate: &GcraRate, now: u64) {
        if now < shard.look_again {
            return;
        }
        let before = shard.cells.len();
        shard.cells.retain(|_, tat| !GcraRate::is_idle(*tat, now));
        let evicted = before - shard.cells.len();
        self.evicted.fetch_add(evicted as u64, Ordering::Relaxed);
        let next = shard.cells.values().min().map_or(now, |tat| tat.ceil());
        // At most one look in the time of one permit, however the keys are spread.
        shard.look_again = next.max(now.saturating_add(rate.one_in_nanos()));
    }
}

impl<K> Shared<K> {
    #[cold]
    #[expect(
        clippy::cast_precision_loss,
        reason = "evidence is for people; a rate is a round figure"
    )]
    fn refuse(&self, rate: &GcraRate, wait: u64) -> Rejection {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let limit = rate.permits() as f64;
        let rejection =
            Rejection::new(self.name.clone(), PolicyKind::RateLimit, Reason::RateLimited)
                .because(Evidence::new(Rule::Rate, limit, limit, 0))
                .retry_in_nanos(wait);
        self.listeners.rejected(rejection)
    }
}

/// The rate limit of one key, made by [`KeyedRateLimit::of`].
#[derive(Clone, Debug)]
pub struct KeyRateLimit<K> {
    limit: KeyedRateLimit<K>,
    key: K,
}

impl<K> KeyRateLimit<K> {
    /// Whose limit it is.
    pub const fn key(&self) -> &K {
        &self.key
    }
}

impl<K: Eq + Hash + Clone> Limit for KeyRateLimit<K> {
    type Permit<'p>
        = Pass
    where
        K: 'p;
    // Nobody waits.
    type Wait<'p>
        = Ready<Result<Pass, Rejection>>
    where
        K: 'p;

    #[inline]
    fn admit_at_once(&self, _: &mut Attempt) -> Option<Pass> {
        None
    }

    fn admit(&self, attempt: &mut Attempt) -> Admission<Pass, Self::Wait<'_>> {
        match self.limit.take(&self.key, attempt.began()) {
            Ok(()) => Admission::Granted(Pass::NEW),
            Err(rejection) => Admission::Refused(rejection),
        }
    }
}

impl<K: Eq + Hash + Clone> Policy for KeyRateLimit<K> {
    type Wrapped<'p, Op>
        = Limited<'p, Self, Op>
    where
        K: 'p;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        Limited::new(self, op)
    }

    fn describe(&self, inner: Description) -> Description {
        let text = self.limit.shared.rate.read().describe() + ", for each key";
        inner.layer(PolicyKind::RateLimit, &self.limit.shared.name, text)
    }
}

impl<K: Eq + Hash + Clone> Layer for KeyRateLimit<K> {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

impl<K> Clone for KeyedRateLimit<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K> fmt::Debug for KeyedRateLimit<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedRateLimit")
            .field("name", &self.shared.name)
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}
