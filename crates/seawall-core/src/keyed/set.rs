//! The entries of a keyed set, and which of them makes room. No lock, no user code.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Keep;

/// How many entries are examined for one that makes room: enough to find one where a few in a
/// hundred are idle, and a bound on what a new key costs where none is.
const EXAMINED: usize = 16;

/// Where an entry is: the hash of its key, and a number that is never used twice, as several keys
/// may have one hash.
pub(super) type Place = (u64, u64);

pub(super) struct Set<K, P: Keep> {
    pub(super) template: Arc<P::Template>,
    pub(super) evicted: u64,
    pub(super) overflowed: u64,
    slots: BTreeMap<Place, Slot<K, P>>,
    next_id: u64,
    uses: u64,
    // Where the next search for room begins.
    hand: Place,
}

struct Slot<K, P> {
    entry: Arc<Entry<K, P>>,
    last_use: u64,
}

pub(super) struct Entry<K, P> {
    pub(super) key: K,
    pub(super) policy: P,
}

/// What became of a new entry.
pub(super) enum Added<K, P> {
    /// It is kept. The entry that made room for it is to be dropped outside of the lock.
    Kept { evicted: Option<Arc<Entry<K, P>>> },
    /// There is no room for it.
    NoRoom,
    /// Another thread was faster: look again.
    Overtaken,
}

impl<K, P: Keep> Set<K, P> {
    pub(super) fn new(template: P::Template) -> Self {
        Self {
            template: Arc::new(template),
            evicted: 0,
            overflowed: 0,
            slots: BTreeMap::new(),
            next_id: 0,
            uses: 0,
            hand: (0, 0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn entries(&self) -> Vec<Arc<Entry<K, P>>> {
        self.slots.values().map(|slot| Arc::clone(&slot.entry)).collect()
    }

    /// The first entry at `from` or after it whose key has the same hash. It counts as used.
    pub(super) fn candidate(&mut self, from: Place) -> Option<(Place, Arc<Entry<K, P>>)> {
        let (place, slot) = self.slots.range_mut(from..=(from.0, u64::MAX)).next()?;
        self.uses += 1;
        slot.last_use = self.uses;
        Some((*place, Arc::clone(&slot.entry)))
    }

    /// Adds an entry that was made from `template`, if there is no [candidate](Self::candidate)
    /// from `from` on.
    pub(super) fn add(
        &mut self,
        from: Place,
        entry: &Arc<Entry<K, P>>,
        template: &Arc<P::Template>,
        max_keys: usize,
    ) -> Added<K, P> {
        if !Arc::ptr_eq(template, &self.template) || self.candidate(from).is_some() {
            return Added::Overtaken;
        }
        let mut evicted = None;
        if self.slots.len() >= max_keys {
            let Some(place) = self.find_idle() else {
                self.overflowed += 1;
                return Added::NoRoom;
            };
            evicted = self.remove(place);
            self.evicted += 1;
        }
        self.uses += 1;
        let slot = Slot { entry: Arc::clone(entry), last_use: self.uses };
        self.slots.insert((from.0, self.next_id), slot);
        self.next_id += 1;
        Added::Kept { evicted }
    }

    pub(super) fn remove(&mut self, place: Place) -> Option<Arc<Entry<K, P>>> {
        self.slots.remove(&place).map(|slot| slot.entry)
    }

    /// Of the next few entries the idle one that was used least recently.
    fn find_idle(&mut self) -> Option<Place> {
        let mut found: Option<(u64, Place)> = None;
        for _ in 0..EXAMINED.min(self.slots.len()) {
            let mut next = self.slots.range(self.hand..).chain(&self.slots);
            let (&place, slot) = next.next()?;
            self.hand = (place.0, place.1 + 1);
            // An entry that a caller is about to get a handle on has a second owner.
            let is_idle = Arc::strong_count(&slot.entry) == 1 && slot.entry.policy.is_idle();
            let this = (slot.last_use, place);
            if is_idle && found.is_none_or(|found| this < found) {
                found = Some(this);
            }
        }
        found.map(|(_, place)| place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ConfigError, Listeners, PolicyKind, Reporter};

    #[derive(Clone)]
    struct Idle(bool);

    impl Keep for Idle {
        type Builder = ();
        type Template = ();

        fn template((): ()) -> Result<(Reporter, ()), ConfigError> {
            let listeners = Listeners::default();
            Ok((Reporter::new("idle".into(), PolicyKind::Breaker, listeners), ()))
        }

        fn make((): &(), _: Reporter) -> Self {
            Self(false)
        }

        fn reconfigure(&self, (): &()) {}

        fn is_idle(&self) -> bool {
            self.0
        }
    }

    /// Adds the entry of `key` where its hash is `hash`.
    fn add(set: &mut Set<u64, Idle>, hash: u64, key: u64, idle: bool) -> Added<u64, Idle> {
        let template = Arc::clone(&set.template);
        set.add((hash, 0), &Arc::new(Entry { key, policy: Idle(idle) }), &template, 160)
    }

    /// With hashes of its own, as those of a [`Keyed`](super::super::Keyed) are random.
    #[test]
    fn in_a_large_set_a_search_goes_on_where_the_last_one_ended() {
        for idle in [0, 15, 16, 77, 159] {
            let mut set = Set::new(());
            for key in 0..160 {
                assert!(matches!(add(&mut set, key * 10, key, key == idle), Added::Kept { .. }));
            }
            // 16 are examined for each new key, in the order of the hashes.
            for round in 0..10 {
                let added = add(&mut set, round * 160 + 5, 1_000 + round, false);
                match added {
                    Added::Kept { evicted } => {
                        assert_eq!((round, evicted.unwrap().key), (idle / 16, idle));
                    }
                    Added::NoRoom => assert_ne!(round, idle / 16),
                    Added::Overtaken => unreachable!("one thread"),
                }
            }
            assert_eq!((set.evicted, set.overflowed), (1, 9));
        }
    }
}
