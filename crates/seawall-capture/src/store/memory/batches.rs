//! Taking groups out, and what becomes of them.

use std::sync::Arc;

use super::table::MergedInto;
use super::{Inner, MAX_HOPS, MemoryStore};
use crate::clock::Now;
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
    /// Each with the steady time at which it was taken.
    pub(super) held: Vec<(Batch, Timestamp)>,
    pub(super) delivered: u64,
}

impl Batches {
    /// The first id is made of the time, so that a taker from an earlier process acknowledges no batch of
    /// this one. Small enough for those who read numbers as floats.
    pub(super) fn new(now: Timestamp) -> Self {
        let millis = u64::try_from(now.as_millis()).unwrap_or(0);
        let next = millis.saturating_mul(1_000) % (BatchId::END / 2);
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
        let now = inner.clock.both();
        inner.expire(now);
        let mut batches = inner.batches.lock();
        inner.end_leases(&mut batches, now);
        if batches.held.len() == MAX_BATCHES {
            return Err(StoreError::TooManyBatches);
        }
        let (groups, other) = inner.take(max);
        let id = BatchId(batches.next);
        batches.next += 1;
        let batch = Batch::new(id, groups, other);
        batches.held.push((batch.clone(), now.steady));
        Ok(batch)
    }

    /// The batch arrived.
    pub fn acknowledge(&self, id: BatchId) -> bool {
        let inner = &*self.inner;
        let mut batches = inner.batches.lock();
        let Some(batch) = batches.end(id) else { return false };
        batches.delivered = batches.delivered.saturating_add(batch.count());
        inner.forget_batch(&batch);
        true
    }

    /// The batch did not arrive.
    pub fn put_back(&self, id: BatchId) -> bool {
        let inner = &*self.inner;
        let mut batches = inner.batches.lock();
        let Some(batch) = batches.end(id) else { return false };
        inner.count_again(&batch, inner.clock.both());
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
    fn take(&self, max: usize) -> (Vec<Arc<Group>>, u64) {
        let (mut groups, mut other) = (Vec::new(), 0);
        for shard in &self.shards {
            other = shard.lock().take_other().saturating_add(other);
            let mut more = true;
            while more {
                let mut table = shard.lock();
                for _ in 0..CHUNK {
                    more = groups.len() < max;
                    let group = more.then(|| table.take()).flatten();
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

    fn end_leases(&self, batches: &mut Batches, now: Now) {
        let over = |taken: &Timestamp| now.steady.since(*taken) >= self.lease;
        while let Some(at) = batches.held.iter().position(|(_, taken)| over(taken)) {
            let (batch, _) = batches.held.swap_remove(at);
            self.count_again(&batch, now);
        }
    }

    fn count_again(&self, batch: &Batch, now: Now) {
        for group in &batch.groups {
            self.absorb(group.fingerprint, group, now);
        }
        // Any shard will do: only the sum matters.
        self.shards[0].lock().add_other(batch.other);
    }

    fn absorb(&self, name: Fingerprint, group: &Group, now: Now) {
        let mut name = name;
        for _ in 0..MAX_HOPS {
            match self.home(name).lock().put_back(name, group, now) {
                Ok(()) => return,
                Err(MergedInto(into)) => name = into,
            }
        }
        self.shards[0].lock().add_other(group.count);
    }

    fn merge(&self, from: Fingerprint, into: Fingerprint) -> bool {
        // Held throughout: merges come one after the other, and totals see none half done.
        let batches = self.batches.lock();
        let now = self.clock.both();
        let (from, into) = (self.name_of(from), self.name_of(into));
        if from == into || !self.home(into).lock().knows(into) {
            return false;
        }
        let Ok(group) = self.home(from).lock().merge_away(from, into) else {
            return false;
        };
        for shard in &self.shards {
            shard.lock().redirect(from, into);
        }
        if let Some(group) = group {
            self.absorb(into, &group, now);
        }
        // What is in flight of one is in flight of the other now.
        if !batches.held.is_empty() {
            self.home(into).lock().note(into);
        }
        true
    }
}
