//! A budget for each key.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;

use parking_lot::Mutex;
use seawall_core::{Check, ConfigError, PolicyKind};

use super::{Budget, BudgetBuilder};

/// A [`Budget`] for each key, a host or tenant for instance, so that one that is down does not use
/// up what the others need.
///
/// Bounded: there are at most as many budgets as [`max_keys`](Self::new) says. A new key takes the
/// place of one whose budget nobody holds and is at rest: it has what it was made with, at least,
/// and nothing in flight. What it has saved beyond that is lost, no more. Where none of those looked
/// at is at rest, the new key shares one common budget with all that came too late, and is counted
/// in [`overflowed`](Self::overflowed). So a caller that invents keys cannot get more out of it than
/// one more budget.
///
/// In events the budget of a key is called `name[key]`, the common one as the template is.
///
/// ```
/// use seawall_retry::{Budget, KeyedBudget, Retry};
///
/// let budgets: KeyedBudget<String> = KeyedBudget::new(Budget::builder(), 1_000)?;
/// let retry = Retry::builder().idempotent().build()?;
/// let for_host = retry.with_budget(&budgets.get("db-1.internal"));
/// # Ok::<(), seawall_core::ConfigError>(())
/// ```
pub struct KeyedBudget<K> {
    template: BudgetBuilder,
    max_keys: usize,
    common: Budget,
    entries: Mutex<Entries<K>>,
}

struct Entries<K> {
    places: HashMap<K, usize>,
    slots: Vec<(K, Budget)>,
    hand: usize,
    overflowed: u64,
}

/// How many entries a new key looks at for one to take the place of.
const LOOKED_AT: usize = 16;

impl<K: Clone + fmt::Display + Eq + Hash> KeyedBudget<K> {
    /// A budget like `template` for each of at most `max_keys` keys. At least 1.
    pub fn new(template: BudgetBuilder, max_keys: usize) -> Result<Self, ConfigError> {
        let holds = max_keys > 0;
        Check::of(PolicyKind::Budget).that(holds, "max_keys", max_keys, "at least 1")?;
        let common = template.clone().build()?;
        let entries = Entries { places: HashMap::new(), slots: Vec::new(), hand: 0, overflowed: 0 };
        Ok(Self { template, max_keys, common, entries: Mutex::new(entries) })
    }

    /// The budget of `key`.
    ///
    /// Keys are compared and hashed under a lock: they should do no more than that.
    pub fn get<Q>(&self, key: &Q) -> Budget
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        if let Some(budget) = self.entries.lock().find(key) {
            return budget;
        }
        let key = key.to_owned();
        let name = self.common.name().for_key(&key);
        // The template was built once, so it builds again; if not, the common one serves.
        let Ok(budget) = self.template.clone().name(name).build() else {
            return self.common.clone();
        };
        let new = (key.clone(), key, budget);
        let (budget, replaced) = self.entries.lock().add(new, self.max_keys);
        // Keys and listeners are the user's: they are dropped outside the lock.
        drop(replaced);
        budget.unwrap_or_else(|| self.common.clone())
    }

    /// How many keys have a budget of their own.
    pub fn len(&self) -> usize {
        self.entries.lock().slots.len()
    }

    /// Whether no key has a budget yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How often a key had to share the common budget.
    pub fn overflowed(&self) -> u64 {
        self.entries.lock().overflowed
    }
}

/// What is no longer needed, to be dropped outside the lock.
type Replaced<K> = (Option<K>, Option<(K, Budget)>);

impl<K: Eq + Hash> Entries<K> {
    fn find<Q>(&self, key: &Q) -> Option<Budget>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.places.get(key).map(|&place| self.slots[place].1.clone())
    }

    /// Adds a budget under a key that is given twice, once for each table. Gives the key's budget,
    /// which another thread may have added meanwhile; none if there is no place for it.
    fn add(
        &mut self,
        (key, same_key, budget): (K, K, Budget),
        max_keys: usize,
    ) -> (Option<Budget>, Replaced<K>) {
        let entry = (key, budget.clone());
        if let Some(found) = self.find(&entry.0) {
            return (Some(found), (Some(same_key), Some(entry)));
        }
        if self.slots.len() < max_keys {
            self.places.insert(same_key, self.slots.len());
            self.slots.push(entry);
            return (Some(budget), (None, None));
        }
        let Some(place) = self.find_at_rest() else {
            self.overflowed += 1;
            return (None, (Some(same_key), Some(entry)));
        };
        // In this order: hashing and comparing may panic, and then a place may have no key, but never
        // two.
        let old_key = self.places.remove_entry(&self.slots[place].0).map(|(key, _)| key);
        self.places.insert(same_key, place);
        let old = std::mem::replace(&mut self.slots[place], entry);
        (Some(budget), (old_key, Some(old)))
    }
}

impl<K> Entries<K> {
    /// A budget of the next few that is at rest, and known to nobody else.
    fn find_at_rest(&mut self) -> Option<usize> {
        for _ in 0..self.slots.len().min(LOOKED_AT) {
            let place = self.hand;
            self.hand = (self.hand + 1) % self.slots.len();
            let budget = &mut self.slots[place].1;
            // In this order: whoever still holds it may yet take from it.
            if budget.is_unshared() && budget.is_at_rest() {
                return Some(place);
            }
        }
        None
    }
}

impl<K> fmt::Debug for KeyedBudget<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.entries.lock();
        f.debug_struct("KeyedBudget")
            .field("keys", &entries.slots.len())
            .field("max_keys", &self.max_keys)
            .field("overflowed", &entries.overflowed)
            .finish_non_exhaustive()
    }
}
