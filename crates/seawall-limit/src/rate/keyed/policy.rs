use std::borrow::Borrow;
use std::fmt::{self, Display};
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::RwLock;
use seawall_core::{
    AllTransient, Check, Class, Classify, ConfigError, Error, Evidence, Listeners, Name,
    PolicyKind, Reason, Rejection, Rule, Timeline,
};
use tokio::time::Instant;

use super::cells::Cells;
use super::{KeyRateLimit, KeyedRateLimitBuilder};
use crate::rate::gcra::GcraRate;
use crate::rate::quota::Quota;

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
/// [`get`](Self::get).
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
    pub(super) shared: Arc<Shared<K>>,
}

pub(super) struct Shared<K> {
    pub(super) cells: Cells<K>,
    // Held while a permit is taken: the cells are counted in fractions of this rate's.
    pub(super) rate: RwLock<GcraRate>,
    pub(super) time: Timeline,
    pub(super) name: Name,
    pub(super) listeners: Listeners,
    pub(super) refused: AtomicU64,
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

impl<K> KeyedRateLimit<K> {
    pub(super) fn new(shared: Shared<K>) -> Self {
        Self { shared: Arc::new(shared) }
    }
}

impl<K: Eq + Hash> KeyedRateLimit<K> {
    /// Starts a keyed rate limit.
    pub fn builder() -> KeyedRateLimitBuilder<K> {
        KeyedRateLimitBuilder::default()
    }

    /// Takes a permit of `key`'s, or says when there will be one. The refusal carries the name
    /// without the key, which need not be displayable and allocates nothing; that of
    /// [`get`](Self::get) carries both.
    ///
    /// Keys are compared and hashed under a lock: they should do no more than that. They are cloned
    /// and dropped outside of it.
    pub fn try_acquire<Q>(&self, key: &Q) -> Result<(), Rejection>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        self.take(key, Instant::now(), || self.shared.name.clone())
    }

    /// Takes one, or refuses in the name of `name`.
    pub(super) fn take<Q>(
        &self,
        key: &Q,
        now: Instant,
        name: impl FnOnce() -> Name,
    ) -> Result<(), Rejection>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let shared = &*self.shared;
        let now = shared.time.at(now);
        let known = {
            let rate = shared.rate.read();
            shared
                .cells
                .take(&rate, key, now)
                .map(|taken| taken.map_err(|wait| (rate.permits(), wait)))
        };
        let taken = known.unwrap_or_else(|| self.take_anew(key.to_owned(), now));
        taken.map_err(|(permits, wait)| shared.refuse(name(), permits, wait))
    }

    // The key is made and dropped outside of the locks: it may ask this limit, too.
    #[cold]
    fn take_anew(&self, key: K, now: u64) -> Result<(), (u64, u64)> {
        let mut unneeded = Vec::new();
        let rate = self.shared.rate.read();
        let taken = self.shared.cells.add(&rate, key, now, &mut unneeded);
        taken.map_err(|wait| (rate.permits(), wait))
    }

    /// Runs `future` if the rate of `key` lets it.
    pub async fn call<Q, Fut, T, E>(&self, key: &Q, future: Fut) -> Result<T, Error<E>>
    where
        K: Borrow<Q>,
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

impl<K: Eq + Hash + Clone + Display> KeyedRateLimit<K> {
    /// The limit of `key`, as a policy: a layer of a pipeline that is made for this key. Making it
    /// takes nothing and remembers nothing. It is called `name[key]`, in its refusals too, and tells
    /// the [listeners](Self::listeners) of the set.
    pub fn get<Q>(&self, key: &Q) -> KeyRateLimit<K>
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        KeyRateLimit::new(self.clone(), key.to_owned())
    }
}

impl<K> KeyedRateLimit<K> {
    /// Who is told of what the limits of its keys do.
    pub fn listeners(&self) -> &Listeners {
        &self.shared.listeners
    }

    /// Sets another rate for all keys. Time that was used up stays used up.
    pub fn set_rate(&self, permits: u64, period: Duration, burst: u64) -> Result<(), ConfigError> {
        let check = Check::of(PolicyKind::RateLimit);
        let quota = Quota::new(check, permits, period, Some(burst))?;
        let mut rate = self.shared.rate.write();
        self.shared.cells.round_up();
        *rate = GcraRate::new(quota);
        Ok(())
    }

    /// What it is doing.
    pub fn snapshot(&self) -> KeyedRateLimitSnapshot {
        KeyedRateLimitSnapshot {
            keys: self.shared.cells.len(),
            refused: self.shared.refused.load(Ordering::Relaxed),
            evicted: self.shared.cells.evicted(),
            overflowed: self.shared.cells.overflowed(),
        }
    }
}

impl<K> Shared<K> {
    #[cold]
    #[expect(
        clippy::cast_precision_loss,
        reason = "evidence is for people; a rate is a round figure"
    )]
    fn refuse(&self, name: Name, permits: u64, wait: u64) -> Rejection {
        self.refused.fetch_add(1, Ordering::Relaxed);
        let limit = permits as f64;
        let rejection = Rejection::new(name, PolicyKind::RateLimit, Reason::RateLimited)
            .because(Evidence::new(Rule::Rate, limit, limit, 0))
            .retry_in_nanos(wait);
        self.listeners.rejected(rejection)
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
