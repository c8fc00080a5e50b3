use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt::{self, Display};
use std::hash::Hash;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall_core::{Check, ConfigError, Listeners, Name, PolicyKind};

use super::shared::Settings;
use super::{Throttle, ThrottleBuilder};

/// A [`Throttle`] for each key: host, shard, tenant.
///
/// At most so many keys are remembered. One that was not asked for within the window, and whose
/// throttle nobody holds, is as good as new and is forgotten when room is needed; new keys for which
/// there is none share one throttle. Both are [counted](Self::evicted).
///
/// ```
/// use seawall_limit::{KeyedThrottle, Throttle};
///
/// let hosts = KeyedThrottle::<String>::new(Throttle::builder().name("hosts"), 1_000)?;
/// let host = hosts.get("db-1");
/// assert!(host.try_acquire().is_ok());
/// assert_eq!(host.name().as_str(), "hosts[db-1]");
/// # Ok::<_, seawall_core::ConfigError>(())
/// ```
pub struct KeyedThrottle<K> {
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    name: Name,
    settings: Arc<Settings>,
    max_keys: usize,
    overflow: Throttle,
    keys: Mutex<Keys<K>>,
}

struct Keys<K> {
    throttles: HashMap<K, Throttle>,
    // When looking for idle keys makes sense again: it takes a look at all of them.
    look_again: u64,
    evicted: u64,
    overflowed: u64,
}

/// What is not kept, to be dropped after the lock: keys are the user's.
type Unneeded<K> = Vec<(K, Throttle)>;

impl<K: Eq + Hash + Display> KeyedThrottle<K> {
    /// Throttles built alike, at most `max_keys` of them, which is at least 1. That of a key is
    /// called `name[key]`.
    pub fn new(throttle: ThrottleBuilder, max_keys: usize) -> Result<Self, ConfigError> {
        let (name, settings) = throttle.parts()?;
        let check = Check::of(PolicyKind::Throttle);
        check.that(max_keys > 0, "max_keys", max_keys, "at least 1")?;
        let keys = Keys { throttles: HashMap::new(), look_again: 0, evicted: 0, overflowed: 0 };
        Ok(Self {
            shared: Arc::new(Shared {
                overflow: Throttle::new(name.clone(), Arc::clone(&settings)),
                name,
                settings,
                max_keys,
                keys: Mutex::new(keys),
            }),
        })
    }

    /// The throttle of `key`.
    ///
    /// Keys are compared and hashed under a lock: they should do no more than that. They are
    /// cloned, displayed and dropped outside of it.
    pub fn get<Q>(&self, key: &Q) -> Throttle
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let known = self.shared.keys.lock().throttles.get(key).cloned();
        known.unwrap_or_else(|| self.shared.add(key.to_owned()))
    }
}

impl<K> KeyedThrottle<K> {
    /// Who is told of what its throttles do.
    pub fn listeners(&self) -> &Listeners {
        &self.shared.settings.listeners
    }

    /// How many keys are remembered.
    pub fn len(&self) -> usize {
        self.shared.keys.lock().throttles.len()
    }

    /// Whether none is remembered.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many keys were forgotten to make room.
    pub fn evicted(&self) -> u64 {
        self.shared.keys.lock().evicted
    }

    /// How often there was no room for a new key.
    pub fn overflowed(&self) -> u64 {
        self.shared.keys.lock().overflowed
    }
}

impl<K: Eq + Hash + Display> Shared<K> {
    fn add(&self, key: K) -> Throttle {
        let throttle = Throttle::new(self.name.for_key(&key), Arc::clone(&self.settings));
        let mut unneeded = Vec::new();
        let kept = self.keep(key, throttle, &mut unneeded);
        kept.unwrap_or_else(|| self.overflow.clone())
    }

    /// Gives the key's throttle, which another thread may have added meanwhile; none if there is no
    /// room for it.
    fn keep(&self, key: K, new: Throttle, unneeded: &mut Unneeded<K>) -> Option<Throttle> {
        let mut keys = self.keys.lock();
        if let Some(known) = keys.throttles.get(&key).cloned() {
            unneeded.push((key, new));
            return Some(known);
        }
        if keys.throttles.len() >= self.max_keys {
            keys.evict(&self.settings, unneeded);
        }
        if keys.throttles.len() >= self.max_keys {
            keys.overflowed += 1;
            unneeded.push((key, new));
            return None;
        }
        keys.throttles.insert(key, new.clone());
        Some(new)
    }
}

impl<K> Keys<K> {
    fn evict(&mut self, settings: &Settings, unneeded: &mut Unneeded<K>) {
        let now = settings.time.now();
        if now >= self.look_again {
            unneeded.extend(self.throttles.extract_if(|_, throttle| throttle.is_replaceable()));
            self.evicted += unneeded.len() as u64;
            // Windows slide by parts of this width, so before that no other becomes idle.
            self.look_again = now.saturating_add(settings.width);
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
            .field("name", &self.shared.name)
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}
