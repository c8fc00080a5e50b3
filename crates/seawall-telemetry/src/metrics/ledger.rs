//! Which names have series of their own, and the totals of those that have not.

use std::collections::{BTreeMap, HashMap, HashSet};

use seawall::Name;
use seawall::policy::InspectId;

use super::series::{Key, Reading, Value};

/// The name under which everything beyond the limit is summed.
pub(super) const OTHER: &str = "other";

/// Remembers from reading to reading what must not change: which names have series, and what was counted of
/// those that have none. A total never falls, also where one of them is gone.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    groups: BTreeMap<&'static str, Group>,
    /// What was counted under the name `other`, and of policies that are gone where nobody shows them.
    kept: BTreeMap<Key, Value>,
    /// What each of them had counted at the last reading.
    last: HashMap<InspectId, BTreeMap<Key, Value>>,
}

/// The names of one kind.
#[derive(Debug, Default)]
pub(super) struct Group {
    named: HashSet<Name>,
    other: HashSet<Name>,
    /// How many names were ever without a series of their own.
    overflowed: u64,
}

impl Group {
    /// Whether `name` has series of its own. Decided once: it stays so until the name is
    /// [forgotten](Self::retain).
    pub(super) fn has_series(&mut self, name: &Name, most: usize) -> bool {
        if self.named.contains(name) {
            return true;
        }
        if self.other.contains(name) {
            return false;
        }
        let has = self.named.len() < most && name.as_str() != OTHER;
        if has {
            self.named.insert(name.clone());
        } else {
            self.other.insert(name.clone());
            self.overflowed = self.overflowed.saturating_add(1);
        }
        has
    }

    pub(super) fn retain(&mut self, is_there: impl Fn(&Name) -> bool) {
        self.named.retain(&is_there);
        self.other.retain(&is_there);
    }

    pub(super) const fn overflowed(&self) -> u64 {
        self.overflowed
    }
}

impl Ledger {
    pub(super) fn group(&mut self, group: &'static str) -> &mut Group {
        self.groups.entry(group).or_default()
    }

    pub(super) fn groups(&mut self) -> impl Iterator<Item = (&'static str, &mut Group)> {
        self.groups.iter_mut().map(|(name, group)| (*name, group))
    }

    /// Takes what `id` shows without series of its own: its totals are kept and go on, its gauges go
    /// into `to` as they are.
    pub(super) fn fold(&mut self, id: InspectId, shows: Reading, to: &mut Reading) {
        let before = self.last.remove(&id).unwrap_or_default();
        let mut totals = BTreeMap::new();
        for (key, value) in shows.0 {
            match value.since(before.get(&key)) {
                Some(since) => {
                    match self.kept.get_mut(&key) {
                        Some(kept) => kept.add(since),
                        None => drop(self.kept.insert(key.clone(), since)),
                    }
                    totals.insert(key, value);
                }
                None => to.add(key, value),
            }
        }
        self.last.insert(id, totals);
    }

    /// Gives what was kept to `to`, and forgets the readings of those that are gone.
    pub(super) fn finish(&mut self, seen: &HashSet<InspectId>, to: &mut Reading) {
        self.last.retain(|id, _| seen.contains(id));
        for (key, value) in &self.kept {
            to.add(key.clone(), value.clone());
        }
    }
}
