use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall_core::{Check, ConfigError, PolicyKind};

use super::throttle::Settings;
use super::{Throttle, ThrottleBuilder};

/// A [`Throttle`] for each key: host, shard, tenant.
///
/// At most so many keys are remembered. One that was not asked for within the window is as good as
/// new and is forgotten when room is needed; new keys for which there is none share one throttle.
///
/// ```
/// use seawall_limit::{KeyedThrottle, Throttle};
///
/// let hosts = KeyedThrottle::<String>::new(Throttle::builder(), 1_000)?;
/// let host = hosts.get("db-1");
/// assert!(host.try_acquire().is_ok());
/// # Ok::<_, seawall_core::ConfigError>(())
/// ```
pub struct KeyedThrottle<K> {
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    settings: Arc<Settings>,
    max_keys: usize,
    overflow: Throttle,
    keys: Mutex<Keys<K>>,
}

struct Keys<K> {
    throttles: HashMap<K, Throttle>,
    // When looking for idle keys makes sense again: it takes a look at all of them.
    look_again: u64,
    overflowed: u64,
}

impl<K: Eq + Hash> KeyedThrottle<K> {
    /// Throttles built alike, at most `max_keys` of them, which is at least 1.
    pub fn new(throttle: ThrottleBuilder, max_keys: usize) -> Result<Self, ConfigError> {
        let settings = Arc::new(throttle.settings()?);
        let check = Check::of(PolicyKind::Throttle);
        check.that(max_keys > 0, "max_keys", max_keys, "at least 1")?;
        let keys = Keys { throttles: HashMap::new(), look_again: 0, overflowed: 0 };
        Ok(Self {
            shared: Arc::new(Shared {
                overflow: Throttle::new(Arc::clone(&settings)),
                settings,
                max_keys,
                keys: Mutex::new(keys),
            }),
        })
    }

    /// The throttle of `key`.
    pub fn get<Q>(&self, key: &Q) -> Throttle
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let shared = &*self.shared;
        let mut keys = shared.keys.lock();
        if let Some(throttle) = keys.throttles.get(key) {
            return throttle.clone();
        }
        if keys.throttles.len() >= shared.max_keys {
            shared.evict(&mut keys);
        }
        if keys.throttles.len() >= shared.max_keys {
            keys.overflowed += 1;
            return shared.overflow.clone();
        }
        let throttle = Throttle::new(Arc::clone(&shared.settings));
        keys.throttles.insert(key.to_owned(), throttle.clone());
        throttle
    }
}

impl<K> KeyedThrottle<K> {
    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.shared.keys.lock().throttles.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often there was no room for a new key.
    pub fn overflowed(&self) -> u64 {
        self.shared.keys.lock().overflowed
    }
}

impl<K: Eq + Hash> Shared<K> {
    fn evict(&self, keys: &mut Keys<K>) {
        let now = self.settings.time.now();
        if now >= keys.look_again {
            keys.throttles.retain(|_, throttle| !throttle.is_idle());
            // Windows slide by parts of this width, so before that no other becomes idle.
            keys.look_again = now.saturating_add(self.settings.width);
        }
    }
}

impl<K> Clone for KeyedThrottle<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K> fmt::Debug for KeyedThrottle<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedThrottle")
            .field("name", &self.shared.settings.name)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
