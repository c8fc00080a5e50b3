//! A policy for each key: host, tenant, shard.

use std::borrow::Borrow;
use std::fmt::{self, Display};
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::inspect::{Counter, Gauge, Inspect, Measures, Settings, Value};
use crate::{Check, ConfigError, Listeners, Name, Reporter};
use set::{Added, Entry, Place, Set};

mod set;

/// A policy of which a [`Keyed`] set can keep one for each key.
pub trait Keep: Clone {
    /// Builds one policy, or a set of them.
    type Builder;
    /// What the policies of a set are made from.
    type Template;

    /// Checks the settings of a set, and separates them from its name and listeners.
    ///
    /// # Errors
    ///
    /// Those of building one policy.
    fn template(builder: Self::Builder) -> Result<(Reporter, Self::Template), ConfigError>;

    /// Makes the policy of a key, which reports as `reporter`.
    fn make(template: &Self::Template, reporter: Reporter) -> Self;

    /// Applies the settings of another template.
    fn reconfigure(&self, template: &Self::Template);

    /// Whether nobody would notice if a new policy took the place of this one: it remembers nothing
    /// that matters. Called under the lock of the set, so it must neither use the set nor run user
    /// code.
    fn is_idle(&self) -> bool;

    /// The policy of a new key that finds no room; it is not kept. `made` is what
    /// [`make`](Self::make) made for that key.
    ///
    /// A policy that grants something, such as a budget, gives all these keys one policy to share,
    /// so that made-up keys get no more than one key does.
    fn without_room(template: &Self::Template, made: Self) -> Self {
        let _ = template;
        made
    }
}

/// A policy for each key, made on first use from one configuration, bounded in number.
///
/// When a new key finds the set full, an [idle](Keep::is_idle) policy makes room for it: of 16 that
/// are examined, the least recently used. The next search goes on where this one ended. Where none
/// is idle, the new key gets a policy that is not kept. Both are counted, in
/// [`evicted`](Self::evicted) and [`overflowed`](Self::overflowed). A handle on an evicted policy
/// stays usable.
///
/// Finding a policy takes one lock and a step that is logarithmic in the size of the set. Keys are
/// hashed, compared, cloned, shown and dropped outside of the lock, so the code of a key may panic
/// or use the same set. Clones share the set.
pub struct Keyed<K, P: Keep> {
    shared: Arc<Shared<K, P>>,
}

struct Shared<K, P: Keep> {
    reporter: Reporter,
    max_keys: usize,
    hasher: RandomState,
    set: Mutex<Set<K, P>>,
}

impl<K, P: Keep> Keyed<K, P> {
    /// A set of at most `max_keys` policies, at least 1, configured by `builder`. The policy of a
    /// key is called `name[key]`.
    ///
    /// # Errors
    ///
    /// Those of building one policy, and `max_keys` of 0.
    pub fn new(builder: P::Builder, max_keys: usize) -> Result<Self, ConfigError> {
        let (reporter, template) = P::template(builder)?;
        let check = Check::of(reporter.kind());
        check
            .that(max_keys > 0, "max_keys", max_keys, "at least 1")
            .map_err(|error| error.of(reporter.name()))?;
        let (hasher, set) = (RandomState::new(), Mutex::new(Set::new(template)));
        Ok(Self { shared: Arc::new(Shared { reporter, max_keys, hasher, set }) })
    }

    /// The name of the set.
    pub fn name(&self) -> &Name {
        self.shared.reporter.name()
    }

    /// The listeners that receive the events of all its policies.
    pub fn listeners(&self) -> &Listeners {
        self.shared.reporter.listeners()
    }

    /// How many policies may be kept.
    pub fn max_keys(&self) -> usize {
        self.shared.max_keys
    }

    /// How many policies are kept.
    pub fn len(&self) -> usize {
        self.shared.set.lock().len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many policies were evicted to make room for others.
    pub fn evicted(&self) -> u64 {
        self.shared.set.lock().evicted
    }

    /// How often a new key got a policy that is not kept.
    pub fn overflowed(&self) -> u64 {
        self.shared.set.lock().overflowed
    }

    /// Calls `visit` with each key and its policy, in no particular order. It may use the set; what
    /// it adds is not visited.
    pub fn for_each(&self, mut visit: impl FnMut(&K, &P)) {
        let entries = self.shared.set.lock().entries();
        for entry in entries {
            visit(&entry.key, &entry.policy);
        }
    }

    /// Changes the settings of all policies: of those that are kept, and of those that are made from
    /// now on. The set keeps its name and its listeners.
    ///
    /// # Errors
    ///
    /// Those of building one policy. Nothing is changed then.
    pub fn reconfigure(&self, builder: P::Builder) -> Result<(), ConfigError> {
        let (_, template) = P::template(builder).map_err(|error| error.of(self.name()))?;
        let template = Arc::new(template);
        let (before, entries) = {
            let mut set = self.shared.set.lock();
            (std::mem::replace(&mut set.template, Arc::clone(&template)), set.entries())
        };
        drop(before);
        for entry in entries {
            entry.policy.reconfigure(&template);
        }
        Ok(())
    }
}

impl<K: Eq + Hash, P: Keep> Keyed<K, P> {
    /// The policy of `key`. It is made if the set has none.
    pub fn get<Q>(&self, key: &Q) -> P
    where
        K: Borrow<Q> + Display,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        let Shared { reporter, max_keys, set, .. } = &*self.shared;
        let mut from = self.place(key);
        loop {
            if let Some((_, entry)) = self.find(key, &mut from) {
                return entry.policy.clone();
            }
            let template = Arc::clone(&set.lock().template);
            let key = key.to_owned();
            let policy = P::make(&template, reporter.for_key(&key));
            let entry = Arc::new(Entry { key, policy });
            let added = set.lock().add(from, &entry, &template, *max_keys);
            match added {
                Added::Kept { evicted } => {
                    drop(evicted);
                    return entry.policy.clone();
                }
                Added::NoRoom => return P::without_room(&template, entry.policy.clone()),
                Added::Overtaken => {}
            }
        }
    }

    /// The policy of `key`, if the set has one.
    pub fn get_if_kept<Q>(&self, key: &Q) -> Option<P>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.find(key, &mut self.place(key)).map(|(_, entry)| entry.policy.clone())
    }

    /// Removes the policy of `key`. A handle on it stays usable.
    pub fn remove<Q>(&self, key: &Q) -> Option<P>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let (place, _) = self.find(key, &mut self.place(key))?;
        let removed = self.shared.set.lock().remove(place)?;
        Some(removed.policy.clone())
    }

    /// Where the first key with the hash of `key` would be.
    fn place<Q: Hash + ?Sized>(&self, key: &Q) -> Place {
        (self.shared.hasher.hash_one(key), 0)
    }

    /// The entry of `key` at `from` or after it. Moves `from` past the entries of other keys.
    fn find<Q>(&self, key: &Q, from: &mut Place) -> Option<(Place, Arc<Entry<K, P>>)>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        loop {
            // Compared after the lock was released, in a statement of its own.
            let candidate = self.shared.set.lock().candidate(*from);
            let (place, entry) = candidate?;
            if entry.key.borrow() == key {
                return Some((place, entry));
            }
            from.1 = place.1 + 1;
        }
    }
}

/// The set as one: never a key, which would make a label without bounds.
impl<K, P> Inspect for Keyed<K, P>
where
    K: Send + Sync,
    P: Keep<Template: Send + Sync> + Send + Sync,
{
    fn reporter(&self) -> &Reporter {
        &self.shared.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        let (len, evicted, overflowed) = {
            let set = self.shared.set.lock();
            (set.len(), set.evicted, set.overflowed)
        };
        measures.gauge(Gauge::Keys, f64::from(u32::try_from(len).unwrap_or(u32::MAX)));
        measures.counter(Counter::Evicted, evicted);
        measures.counter(Counter::Overflowed, overflowed);
    }

    fn settings(&self) -> Settings {
        let max_keys = u64::try_from(self.max_keys()).map_or(Value::Never, Value::Count);
        Settings::new().with("max_keys", max_keys)
    }
}

impl<K, P: Keep> Clone for Keyed<K, P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K, P: Keep> fmt::Debug for Keyed<K, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyed")
            .field("name", self.name())
            .field("len", &self.len())
            .field("max_keys", &self.shared.max_keys)
            .finish_non_exhaustive()
    }
}
