//! What is remembered of each key, within bounds. No clock.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;

use crate::rate::gcra::{Fine, GcraRate};

const SHARDS: usize = 16;

/// A cell for each key, in parts with a lock of their own, and one for all that find no room.
pub(super) struct Cells<K> {
    shards: Box<[Mutex<Shard<K>>]>,
    overflow: Mutex<Fine>,
    keys_a_shard: usize,
    hasher: RandomState,
    evicted: AtomicU64,
    overflowed: AtomicU64,
}

struct Shard<K> {
    cells: HashMap<K, Fine>,
    // When looking for idle keys makes sense again: it takes a look at all of them.
    look_again: u64,
}

impl<K> Cells<K> {
    pub(super) fn new(max_keys: usize) -> Self {
        let shard = || Mutex::new(Shard { cells: HashMap::new(), look_again: 0 });
        Self {
            shards: (0..SHARDS).map(|_| shard()).collect(),
            overflow: Mutex::new(Fine::default()),
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
    /// rate.
    pub(super) fn round_up(&self) {
        for shard in &self.shards {
            shard.lock().cells.values_mut().for_each(Fine::round_up);
        }
        self.overflow.lock().round_up();
    }
}

impl<K: Eq + Hash> Cells<K> {
    /// Takes one permit of `key`'s, or says in how many nanoseconds there is one.
    pub(super) fn take<Q>(&self, rate: &GcraRate, key: &Q, now: u64) -> Result<(), u64>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ToOwned<Owned = K> + ?Sized,
    {
        // The upper four bits: one of 16.
        let index = usize::try_from(self.hasher.hash_one(key) >> 60).unwrap_or(0);
        let mut shard = self.shards[index].lock();
        if let Some(cell) = shard.cells.get_mut(key) {
            return rate.take(cell, now, 1);
        }
        if shard.cells.len() >= self.keys_a_shard {
            self.evict(&mut shard, rate, now);
        }
        if shard.cells.len() >= self.keys_a_shard {
            drop(shard);
            self.overflowed.fetch_add(1, Ordering::Relaxed);
            return rate.take(&mut self.overflow.lock(), now, 1);
        }
        let mut cell = Fine::default();
        let taken = rate.take(&mut cell, now, 1);
        shard.cells.insert(key.to_owned(), cell);
        taken
    }

    // A look at every key, so not again before one more of them can have become idle for sure.
    fn evict(&self, shard: &mut Shard<K>, rate: &GcraRate, now: u64) {
        if now < shard.look_again {
            return;
        }
        let before = shard.cells.len();
        shard.cells.retain(|_, tat| !GcraRate::is_idle(*tat, now));
        let evicted = before - shard.cells.len();
        self.evicted.fetch_add(evicted as u64, Ordering::Relaxed);
        let next = shard.cells.values().min().map_or(now, |tat| tat.ceil());
        // At most one look in the time of one permit, however the keys are spread.
        shard.look_again = next.max(now.saturating_add(rate.one_in_nanos()));
    }
}
