//! A bounded set of keys with a cell for each. No clock.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::rate::gcra::{FineNanos, GcraRate};

const SHARDS: usize = 16;

/// A cell for each key, in shards with a lock each, and one cell for all keys that find no room.
pub(super) struct Cells<K> {
    shards: Box<[Mutex<Shard<K>>]>,
    overflow: Mutex<FineNanos>,
    keys_a_shard: usize,
    hasher: RandomState,
    evicted: AtomicU64,
    overflowed: AtomicU64,
}

struct Shard<K> {
    cells: HashMap<K, FineNanos>,
    // When the next search for idle keys is due: it looks at all of them.
    next_search: u64,
}

impl<K> Cells<K> {
    pub(super) fn new(max_keys: usize) -> Self {
        let shard = || Mutex::new(Shard { cells: HashMap::new(), next_search: 0 });
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            overflow: Mutex::new(FineNanos::default()),
            keys_a_shard: max_keys.div_ceil(SHARDS),
            hasher: RandomState::new(),
            evicted: AtomicU64::new(0),
            overflowed: AtomicU64::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.lock().cells.len()).sum()
    }

    /// How many idle keys have made room.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// How many calls came with a new key for which there was no room.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }

    /// Rounds all times up to whole nanoseconds: a fraction means something else under another rate,
    /// as does the time of the next search.
    pub(super) fn round_up(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.cells.values_mut().for_each(FineNanos::round_up);
            shard.next_search = 0;
        }
        self.overflow.lock().round_up();
    }
}

impl<K: Eq + Hash> Cells<K> {
    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &Mutex<Shard<K>> {
        // The upper four bits: one of 16.
        let index = usize::try_from(self.hasher.hash_one(key) >> 60).unwrap_or(0);
        &self.shards[index]
    }

    /// Takes one permit of `key`, or says in how many nanoseconds there is one. `None` if the key has
    /// to be [added](Self::add) for that.
    pub(super) fn take<Q>(&self, rate: &GcraRate, key: &Q, now: u64) -> Option<Result<(), u64>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut shard = self.shard(key).lock();
        if let Some(cell) = shard.cells.get_mut(key) {
            return Some(rate.take(cell, now, 1));
        }
        let has_no_room = shard.cells.len() >= self.keys_a_shard && now < shard.next_search;
        drop(shard);
        has_no_room.then(|| self.take_from_overflow(rate, now))
    }

    /// How many permits of `key` there are now.
    pub(super) fn available<Q>(&self, rate: &GcraRate, key: &Q, now: u64) -> u64
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let shard = self.shard(key).lock();
        let has_room = shard.cells.len() < self.keys_a_shard || now >= shard.next_search;
        let tat = match shard.cells.get(key) {
            Some(tat) => *tat,
            None if has_room => FineNanos::default(),
            None => *self.overflow.lock(),
        };
        rate.available(tat, now)
    }

    /// Does `act` to the cell of `key`, if the key is kept.
    pub(super) fn update<Q, R>(&self, key: &Q, act: impl FnOnce(&mut FineNanos) -> R) -> Option<R>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.shard(key).lock().cells.get_mut(key).map(act)
    }

    /// The same as [`update`](Self::update) for a new key, which is kept if there is room; `None` if there
    /// is none. The caller drops the keys that are unneeded then, outside any lock: a key's drop is the
    /// user's code.
    pub(super) fn add<R>(
        &self,
        rate: &GcraRate,
        key: K,
        now: u64,
        unneeded: &mut Vec<K>,
        act: impl FnOnce(&mut FineNanos) -> R,
    ) -> Option<R> {
        let mut shard = self.shard(&key).lock();
        // Another thread may have been faster.
        if let Some(cell) = shard.cells.get_mut(&key) {
            unneeded.push(key);
            return Some(act(cell));
        }
        if shard.cells.len() >= self.keys_a_shard {
            self.evict(&mut shard, rate, now, unneeded);
        }
        if shard.cells.len() >= self.keys_a_shard {
            unneeded.push(key);
            return None;
        }
        let mut cell = FineNanos::default();
        let done = act(&mut cell);
        shard.cells.insert(key, cell);
        Some(done)
    }

    /// Takes a permit for a key that finds no room.
    pub(super) fn take_from_overflow(&self, rate: &GcraRate, now: u64) -> Result<(), u64> {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
        rate.take(&mut self.overflow.lock(), now, 1)
    }

    // Looks at every key, so not again before another can have become idle.
    fn evict(&self, shard: &mut Shard<K>, rate: &GcraRate, now: u64, unneeded: &mut Vec<K>) {
        if now < shard.next_search {
            return;
        }
        let idle = shard.cells.extract_if(|_, tat| GcraRate::is_idle(*tat, now));
        unneeded.extend(idle.map(|(key, _)| key));
        self.evicted.fetch_add(unneeded.len() as u64, Ordering::Relaxed);
        let next = shard.cells.values().min().map_or(now, |tat| tat.ceil());
        // At most one search in the time of one permit, however the keys are spread.
        shard.next_search = next.max(now.saturating_add(rate.one_in_nanos()));
    }
}
