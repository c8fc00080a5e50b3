//! Taking groups out, and what becomes of them.

use std::sync::Arc;

use super::table::MergedInto;
use super::{Inner, MAX_HOPS, MemoryStore};
use crate::store::{Batch, BatchId, Group, StoreError};
use crate::{Fingerprint, Timestamp};

/// How many groups are moved under one lock.
const CHUNK: usize = 32;
/// How many batches may be in flight.
const MAX_BATCHES: usize = 64;

/// Batches that were taken, and neither acknowledged nor put back.
#[derive(Debug)]
pub(super) struct Batches {
    next: u64,
    pub(super) held: Vec<(Batch, Timestamp)>,
    pub(super) delivered: u64,
}

impl Batches {
    /// The first id is made of the time, so that nobody acknowledges a batch of this process who
    /// took one of the process before. Small enough for those who read numbers as floats.
    pub(super) fn new(now: Timestamp) -> Self {
        let next = u64::try_from(now.as_millis()).unwrap_or(0).saturating_mul(1_000);
        Self { next, held: Vec::new(), delivered: 0 }
    }

    fn end(&mut self, id: BatchId) -> Option<Batch> {
        let at = self.held.iter().position(|(batch, _)| batch.id == id)?;
        Some(self.held.swap_remove(at).0)
    }
}

impl MemoryStore {
    /// Takes at most `max` groups out, together with what is known of those that were evicted.
    pub fn take(&self, max: usize) -> Result<Batch, StoreError> {
        let inner = &*self.inner;
        let now = inner.clock.now();
        inner.expire(now);
        let mut batches = inner.batches.lock();
        inner.end_leases(&mut batches, now);
        if batches.held.len() == MAX_BATCHES {
            return Err(StoreError::TooManyBatches);
        }
        let (groups, other) = inner.take(max, now);
        let id = BatchId(batches.next);
        batches.next += 1;
        let batch = Batch::new(id, groups, other);
        batches.held.push((batch.clone(), now));
        Ok(batch)
    }

    /// The batch arrived.
    pub fn acknowledge(&self, id: BatchId) -> bool {
        let inner = &*self.inner;
        let mut batches = inner.batches.lock();
        let Some(batch) = batches.end(id) else { return false };
        batches.delivered += batch.count();
        inner.forget_batch(&batch);
        true
    }

    /// The batch did not arrive.
    pub fn put_back(&self, id: BatchId) -> bool {
        let inner = &*self.inner;
        let mut batches = inner.batches.lock();
        let Some(batch) = batches.end(id) else { return false };
        inner.count_again(&batch, inner.clock.now());
        true
    }

    /// Counts the group `from` as part of `into`, now and from now on.
    pub fn merge(&self, from: Fingerprint, into: Fingerprint) -> bool {
        let merged = self.inner.merge(from, into);
        self.inner.news();
        merged
    }
}

impl Inner {
    /// The batches' lock is held, as for all that moves groups between shards and batches.
    fn take(&self, max: usize, now: Timestamp) -> (Vec<Arc<Group>>, u64) {
        let (mut groups, mut other) = (Vec::new(), 0);
        for shard in &self.shards {
            other += self.settled(shard, now).table.take_other();
            let mut more = true;
            while more {
                let mut state = shard.state.lock();
                for _ in 0..CHUNK {
                    more = groups.len() < max;
                    let group = more.then(|| state.table.take()).flatten();
                    let Some(group) = group else {
                        more = false;
                        break;
                    };
                    groups.push(Arc::new(group));
                }
            }
        }
        (groups, other)
    }

    fn end_leases(&self, batches: &mut Batches, now: Timestamp) {
        let over = |taken: &Timestamp| now.since(*taken) >= self.lease;
        while let Some(at) = batches.held.iter().position(|(_, taken)| over(taken)) {
            let (batch, _) = batches.held.swap_remove(at);
            self.count_again(&batch, now);
        }
    }

    fn count_again(&self, batch: &Batch, now: Timestamp) {
        for group in &batch.groups {
            self.absorb(group.fingerprint, group, now);
        }
        // Any shard will do: only the sum matters.
        self.shards[0].state.lock().table.sums.other += batch.other;
    }

    fn absorb(&self, name: Fingerprint, group: &Group, now: Timestamp) {
        let mut name = name;
        for _ in 0..MAX_HOPS {
            match self.home(name).state.lock().table.put_back(name, group, now) {
                Ok(()) => return,
                Err(MergedInto(into)) => name = into,
            }
        }
        self.shards[0].state.lock().table.sums.other += group.count;
    }

    fn merge(&self, from: Fingerprint, into: Fingerprint) -> bool {
        // Held throughout: merges come one after the other, and totals see none half done.
        let batches = self.batches.lock();
        let now = self.clock.now();
        let (from, into) = (self.name_of(from), self.name_of(into));
        if from == into || !self.home(into).state.lock().table.knows(into) {
            return false;
        }
        let Ok(group) = self.settled(self.home(from), now).table.merge_away(from, into) else {
            return false;
        };
        for shard in &self.shards {
            shard.state.lock().table.redirect(from, into);
        }
        if let Some(group) = group {
            self.absorb(into, &group, now);
        }
        // What is in flight of one is in flight of the other now.
        if !batches.held.is_empty() {
            self.home(into).state.lock().table.note(into);
        }
        true
    }
}
