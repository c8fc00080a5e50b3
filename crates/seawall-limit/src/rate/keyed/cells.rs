//! What is remembered of each key, within bounds. No clock.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::rate::gcra::{FineNanos, GcraRate};

const SHARDS: usize = 16;

/// A cell for each key, in parts with a lock of their own, and one for all that find no room.
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
    // When looking for idle keys makes sense again: it takes a look at all of them.
    look_again: u64,
}

impl<K> Cells<K> {
    pub(super) fn new(max_keys: usize) -> Self {
        let shard = || Mutex::new(Shard { cells: HashMap::new(), look_again: 0 });
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

    /// How many idle keys were forgotten to make room.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted.load(Ordering::Relaxed)
    }

    /// How many calls came with a new key for which there was no room.
    pub(super) fn overflowed(&self) -> u64 {
        self.overflowed.load(Ordering::Relaxed)
    }

    /// Makes whole nanoseconds of all times: a fraction of one means something else under another
    /// rate, as does the time until idle keys are looked for.
    pub(super) fn round_up(&self) {
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.cells.values_mut().for_each(FineNanos::round_up);
            shard.look_again = 0;
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

    /// Takes one permit of `key`'s, or says in how many nanoseconds there is one. `None` if the key
    /// has to be [added](Self::add) for that.
    pub(super) fn take<Q>(&self, rate: &GcraRate, key: &Q, now: u64) -> Option<Result<(), u64>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        let mut shard = self.shard(key).lock();
        if let Some(cell) = shard.cells.get_mut(key) {
            return Some(rate.take(cell, now, 1));
        }
        let has_no_room = shard.cells.len() >= self.keys_a_shard && now < shard.look_again;
        drop(shard);
        has_no_room.then(|| self.take_of_all(rate, now))
    }

    /// The same for a key that is not known, which is kept if there is room. What is not needed
    /// after that is to be dropped by the caller, outside of any lock: keys are the user's.
    pub(super) fn add(
        &self,
        rate: &GcraRate,
        key: K,
        now: u64,
        unneeded: &mut Vec<K>,
    ) -> Result<(), u64> {
        let mut shard = self.shard(&key).lock();
        // Another may have been faster.
        if let Some(cell) = shard.cells.get_mut(&key) {
            unneeded.push(key);
            return rate.take(cell, now, 1);
        }
        if shard.cells.len() >= self.keys_a_shard {
            self.evict(&mut shard, rate, now, unneeded);
        }
        if shard.cells.len() >= self.keys_a_shard {
            drop(shard);
            unneeded.push(key);
            return self.take_of_all(rate, now);
        }
        let mut cell = FineNanos::default();
        let taken = rate.take(&mut cell, now, 1);
        shard.cells.insert(key, cell);
        taken
    }

    /// For a key that finds no room.
    fn take_of_all(&self, rate: &GcraRate, now: u64) -> Result<(), u64> {
        self.overflowed.fetch_add(1, Ordering::Relaxed);
        rate.take(&mut self.overflow.lock(), now, 1)
    }

    // A look at every key, so not again before one more of them can have become idle for sure.
    fn evict(&self, shard: &mut Shard<K>, rate: &GcraRate, now: u64, unneeded: &mut Vec<K>) {
        if now < shard.look_again {
            return;
        }
        let idle = shard.cells.extract_if(|_, tat| GcraRate::is_idle(*tat, now));
        unneeded.extend(idle.map(|(key, _)| key));
        self.evicted.fetch_add(unneeded.len() as u64, Ordering::Relaxed);
        let next = shard.cells.values().min().map_or(now, |tat| tat.ceil());
        // At most one look in the time of one permit, however the keys are spread.
        shard.look_again = next.max(now.saturating_add(rate.one_in_nanos()));
    }
}
