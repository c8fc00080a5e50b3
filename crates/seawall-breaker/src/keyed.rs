//! A breaker per key.

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall_core::{Check, CircuitState, ConfigError, Listeners, PolicyKind, Reporter};

use crate::machine::Settings;
use crate::{Breaker, BreakerBuilder};

/// A breaker per key (host, tenant), made on first use from one configuration, bounded in number.
///
/// When a new key finds the set full, the least recently used breaker that is closed is evicted:
/// it has nothing to remember but a window. One that is open, half-open, ramping or under an
/// operator's order is never evicted. Where there are only such, the new key gets a breaker that is
/// not kept. Both are [counted](Self::evicted). Whoever holds an evicted breaker can go on using it.
///
/// Finding a breaker takes one lock and a step logarithmic in the size of the set; evicting one, also
/// a look at each that is not closed and was used less recently.
///
/// ```
/// use seawall_breaker::{Breaker, KeyedBreaker};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let hosts: KeyedBreaker<String> = KeyedBreaker::new(Breaker::builder().name("hosts"), 1_000)?;
/// let breaker = hosts.get("db-1");
/// breaker.call(async { Ok::<_, std::io::Error>(()) }).await?;
/// assert_eq!(breaker.name().as_str(), "hosts[db-1]");
/// # Ok(())
/// # }
/// ```
pub struct KeyedBreaker<K> {
    reporter: Reporter,
    settings: Arc<Settings>,
    max_keys: usize,
    kept: Mutex<Kept<K>>,
}

struct Kept<K> {
    by_key: HashMap<K, u64>,
    /// Least recently used first.
    by_use: BTreeMap<u64, (K, Breaker)>,
    uses: u64,
    evicted: u64,
    overflowed: u64,
}

impl<K: Hash + Eq + Clone + Display> KeyedBreaker<K> {
    /// A set of at most `max_keys` breakers, at least 1, configured as `builder` says, but for an
    /// export to restore, which is one breaker's. The breaker of a key is called `name[key]`.
    pub fn new(builder: BreakerBuilder, max_keys: usize) -> Result<Self, ConfigError> {
        let check = Check::of(PolicyKind::Breaker);
        check.that(max_keys > 0, "max_keys", max_keys, "at least 1")?;
        Ok(Self {
            reporter: builder.reporter()?,
            settings: Arc::new(builder.settings()?),
            max_keys,
            kept: Mutex::new(Kept {
                by_key: HashMap::new(),
                by_use: BTreeMap::new(),
                uses: 0,
                evicted: 0,
                overflowed: 0,
            }),
        })
    }

    /// The breaker of `key`.
    ///
    /// Keys are hashed and compared under a lock: they should do no more than that.
    pub fn get<Q>(&self, key: &Q) -> Breaker
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ToOwned<Owned = K> + ?Sized,
    {
        let kept = self.kept.lock().touch(key);
        kept.unwrap_or_else(|| self.add(key.to_owned()))
    }

    /// Makes the breaker of a new key. What keys do when they are shown, cloned and dropped is the
    /// user's code, so all that happens outside the lock.
    fn add(&self, key: K) -> Breaker {
        let breaker = self.make(&key);
        let keys = [key.clone(), key];
        let (breaker, unneeded) = self.kept.lock().add(keys, breaker, self.max_keys);
        drop(unneeded);
        breaker
    }

    fn make(&self, key: &K) -> Breaker {
        let settings = Arc::clone(&self.settings);
        Breaker::new(self.reporter.for_key(key), settings, None)
    }
}

impl<K> KeyedBreaker<K> {
    /// The listeners of all its breakers.
    pub fn listeners(&self) -> &Listeners {
        self.reporter.listeners()
    }

    /// How many breakers are kept.
    pub fn len(&self) -> usize {
        self.kept.lock().by_use.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many were evicted.
    pub fn evicted(&self) -> u64 {
        self.kept.lock().evicted
    }

    /// How many were made and not kept, since the set was full of breakers that must not be
    /// evicted.
    pub fn overflowed(&self) -> u64 {
        self.kept.lock().overflowed
    }

    /// The breakers that are kept, least recently used first.
    pub fn breakers(&self) -> Vec<Breaker> {
        self.kept.lock().by_use.values().map(|(_, breaker)| breaker.clone()).collect()
    }
}

/// Keys that are no longer needed.
type Unneeded<K> = [Option<K>; 2];

impl<K: Hash + Eq> Kept<K> {
    fn touch<Q>(&mut self, key: &Q) -> Option<Breaker>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let last = self.by_key.get_mut(key)?;
        self.uses += 1;
        let entry = self.by_use.remove(last)?;
        *last = self.uses;
        let breaker = entry.1.clone();
        self.by_use.insert(self.uses, entry);
        Some(breaker)
    }

    /// Adds the breaker of a key that is given twice, once for each table. Gives the key's breaker,
    /// which another thread may have added meanwhile.
    fn add(
        &mut self,
        [key, same_key]: [K; 2],
        breaker: Breaker,
        max_keys: usize,
    ) -> (Breaker, Unneeded<K>) {
        if let Some(kept) = self.touch(&key) {
            return (kept, [Some(key), Some(same_key)]);
        }
        let mut evicted = [None, None];
        if self.by_use.len() >= max_keys {
            let Some(last) = self.least_recently_used_closed() else {
                self.overflowed += 1;
                return (breaker, [Some(key), Some(same_key)]);
            };
            evicted = self.evict(last);
        }
        self.uses += 1;
        self.by_key.insert(key, self.uses);
        self.by_use.insert(self.uses, (same_key, breaker.clone()));
        (breaker, evicted)
    }

    fn evict(&mut self, last: u64) -> Unneeded<K> {
        self.evicted += 1;
        let Some((key, _)) = self.by_use.remove(&last) else {
            return [None, None];
        };
        let same_key = self.by_key.remove_entry(&key).map(|(key, _)| key);
        [Some(key), same_key]
    }
}

impl<K> Kept<K> {
    /// When the breaker was used that is to make room for another; `None` if none may go.
    fn least_recently_used_closed(&self) -> Option<u64> {
        let mut oldest_first = self.by_use.iter();
        let closed = oldest_first.find(|(_, (_, breaker))| breaker.state() == CircuitState::Closed);
        closed.map(|(last, _)| *last)
    }
}

impl<K> Debug for KeyedBreaker<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyedBreaker")
            .field("name", self.reporter.name())
            .field("len", &self.len())
            .field("max_keys", &self.max_keys)
            .finish_non_exhaustive()
    }
}
