use std::borrow::Borrow;
use std::fmt::{self, Display};
use std::future::Future;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use seawall_core::{
    AllTransient, Classify, ConfigError, Error, Listeners, Name, Rejection, Reporter,
};
use tokio::time::Instant;

use super::RateLimitOf;
use super::shared::Shared;
use crate::rate::RateLimitBuilder;
use crate::rate::gcra::{FineNanos, GcraRate};
use crate::rate::quota::Quota;

/// A rate limit for each key: user, tenant, address.
///
/// All keys have the same rate and burst, counted by GCRA in 16 bytes besides the key. The number of
/// keys is bounded (up to one in 16 more or less, as keys spread over 16 shards). A key that has its
/// full burst again is as good as new and makes room when needed. Where only busy keys are left, new
/// keys are not kept: they all share **one** rate, so that made-up keys can stretch neither memory
/// nor rate. [`snapshot`](Self::snapshot) counts them.
///
/// Calls can't wait: a refusal says when to try again.
///
/// A pipeline does not know for which key a call is made, so it takes the limit of one key:
/// [`get`](Self::get).
///
/// ```
/// use seawall_limit::{KeyedRateLimit, RateLimit};
///
/// let rate = RateLimit::builder().per_second(10).burst(1);
/// let limit = KeyedRateLimit::<String>::new(rate, 10_000)?;
/// assert!(limit.try_acquire("alice").is_ok());
/// assert!(limit.try_acquire("alice").is_err());
/// assert!(limit.try_acquire("bob").is_ok());
/// # Ok::<_, seawall_core::ConfigError>(())
/// ```
pub struct KeyedRateLimit<K> {
    pub(super) shared: Arc<Shared<K>>,
}

/// The state of a keyed rate limit at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyedRateLimitSnapshot {
    /// How many keys are kept.
    pub keys: usize,
    /// How many calls were refused.
    pub refused: u64,
    /// How many idle keys have made room.
    pub evicted: u64,
    /// How many calls came with a new key for which there was no room.
    pub overflowed: u64,
}

impl<K: Eq + Hash> KeyedRateLimit<K> {
    /// The limits that `rate` describes, for at most `max_keys` keys, rounded up to a multiple of
    /// 16. 10,000 keys of the size of a `String` take less than 1 MB.
    ///
    /// The limit of a key is called `name[key]`.
    ///
    /// # Errors
    ///
    /// When `max_keys` is 0, or where `rate` has a setting that limits with a key don't have: an
    /// algorithm, a queue, a shutdown token.
    pub fn new(rate: RateLimitBuilder, max_keys: usize) -> Result<Self, ConfigError> {
        let shared = Shared::new(rate, max_keys)?;
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Takes a permit of `key`, or says when there will be one. The refusal carries the name without
    /// the key, which need not be displayable and allocates nothing; that of [`get`](Self::get)
    /// carries both.
    ///
    /// Keys are compared and hashed under a lock: they should do no more than that. They are cloned
    /// and dropped outside of it.
    pub fn try_acquire<Q>(&self, key: &Q) -> Result<(), Rejection>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        self.take(key, Instant::now(), || &self.shared.reporter)
    }

    /// How many permits of `key` could be taken now, for a header such as `RateLimit-Remaining`.
    pub fn available<Q>(&self, key: &Q) -> u64
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let rate = self.shared.rate.read();
        self.shared.cells.available(&rate, key, self.shared.time.now())
    }

    /// Takes over what the server says is left for `key`, as
    /// [`RateLimit::leave_at_most`](crate::RateLimit::leave_at_most): permits beyond `left` are taken.
    /// A key that finds no room shares its rate with others, and nothing happens to them.
    ///
    /// ```
    /// use seawall_limit::{KeyedRateLimit, RateLimit};
    ///
    /// let rate = RateLimit::builder().per_second(10);
    /// let tenants = KeyedRateLimit::<String>::new(rate, 10_000)?;
    /// tenants.leave_at_most("acme", 3); // Another process used the rest.
    /// assert_eq!((tenants.available("acme"), tenants.available("other")), (3, 10));
    /// # Ok::<_, seawall_core::ConfigError>(())
    /// ```
    pub fn leave_at_most<Q>(&self, key: &Q, left: u64)
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let now = self.shared.time.now();
        // A key with no more than that need not be kept for it.
        if self.available(key) <= left {
            return;
        }
        let leave = |rate: &GcraRate, cell: &mut FineNanos| {
            let beyond = rate.available(*cell, now).saturating_sub(left);
            // It is there: no other call has this cell.
            rate.take(cell, now, beyond).ok();
        };
        let cells = &self.shared.cells;
        let known = {
            let rate = self.shared.rate.read();
            cells.update(key, |cell| leave(&rate, cell)).is_some()
        };
        if !known {
            // Made and dropped outside the locks: it may call this limit.
            let (key, mut unneeded) = (key.to_owned(), Vec::new());
            let rate = self.shared.rate.read();
            cells.add(&rate, key, now, &mut unneeded, |cell| leave(&rate, cell));
        }
    }

    /// Takes a permit, or refuses by `reporter`.
    pub(super) fn take<'r, Q>(
        &self,
        key: &Q,
        now: Instant,
        reporter: impl FnOnce() -> &'r Reporter,
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
        let taken = known.unwrap_or_else(|| self.take_as_new(key.to_owned(), now));
        taken.map_err(|(permits, wait)| shared.refuse(reporter(), permits, wait))
    }

    // The key is made and dropped outside the locks: it may call this limit.
    fn take_as_new(&self, key: K, now: u64) -> Result<(), (u64, u64)> {
        let mut unneeded = Vec::new();
        let rate = self.shared.rate.read();
        let cells = &self.shared.cells;
        let taken = cells.add(&rate, key, now, &mut unneeded, |cell| rate.take(cell, now, 1));
        let taken = taken.unwrap_or_else(|| cells.take_from_overflow(&rate, now));
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
        AllTransient.sort(future.await)
    }
}

impl<K: Eq + Hash + Clone + Display> KeyedRateLimit<K> {
    /// The limit of `key`, as a policy: a layer of a pipeline that is made for this key. Making it
    /// takes nothing and remembers nothing. It is called `name[key]`, in its refusals too, and
    /// reports to the [listeners](Self::listeners) of the set.
    pub fn get<Q>(&self, key: &Q) -> RateLimitOf<K>
    where
        K: Borrow<Q>,
        Q: ToOwned<Owned = K> + ?Sized,
    {
        RateLimitOf::new(self.clone(), key.to_owned())
    }
}

impl<K> KeyedRateLimit<K> {
    /// The name of the set.
    pub fn name(&self) -> &Name {
        self.shared.reporter.name()
    }

    /// The listeners that receive the events of all keys.
    pub fn listeners(&self) -> &Listeners {
        self.shared.reporter.listeners()
    }

    /// Sets another rate for all keys. Time that was used up stays used up. Errors as
    /// [`new`](Self::new).
    pub fn set_rate(&self, permits: u64, period: Duration, burst: u64) -> Result<(), ConfigError> {
        let quota =
            Quota::new(permits, period, Some(burst)).map_err(|error| error.of(self.name()))?;
        let mut rate = self.shared.rate.write();
        self.shared.cells.round_up();
        *rate = GcraRate::new(quota);
        Ok(())
    }

    /// Its state now.
    pub fn snapshot(&self) -> KeyedRateLimitSnapshot {
        KeyedRateLimitSnapshot {
            keys: self.shared.cells.len(),
            refused: self.shared.refused.load(Ordering::Relaxed),
            evicted: self.shared.cells.evicted(),
            overflowed: self.shared.cells.overflowed(),
        }
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
            .field("name", self.shared.reporter.name())
            .field("snapshot", &self.snapshot())
            .finish_non_exhaustive()
    }
}
