//! Reading, which takes nothing out.

use std::sync::atomic::Ordering;

use super::{Inner, MemoryStore};
use crate::Fingerprint;
use crate::clock::Now;
use crate::store::{Dropped, Filter, Group, Order, Totals};

/// How many groups are looked at under one lock.
const CHUNK: usize = 32;

impl MemoryStore {
    /// The groups that `filter` lets through.
    pub fn list(&self, filter: &Filter) -> Vec<Group> {
        let inner = &*self.inner;
        let now = inner.clock.both();
        inner.expire(now);
        let mut names = Vec::new();
        for shard in &inner.shards {
            let mut from = Some(0);
            while let Some(place) = from {
                from = shard.lock().names(filter, place, CHUNK, &mut names);
            }
        }
        names.sort_unstable_by_key(|(count, last_seen, name)| {
            let by = match filter.order {
                Order::Count => i128::from(*count),
                Order::LastSeen => i128::from(last_seen.as_millis()),
            };
            (std::cmp::Reverse(by), *name)
        });
        names.dedup_by_key(|(_, _, name)| *name);
        let groups =
            names.into_iter().filter_map(|(_, _, name)| inner.home(name).lock().group(name, now));
        groups.take(filter.limit).collect()
    }

    /// One group.
    pub fn group(&self, fingerprint: Fingerprint) -> Option<Group> {
        let inner = &*self.inner;
        let now = inner.clock.both();
        inner.expire(now);
        let name = inner.name_of(fingerprint);
        inner.home(name).lock().group(name, now)
    }

    /// What was counted in all.
    pub fn totals(&self) -> Totals {
        let inner = &*self.inner;
        let batches = inner.batches.lock();
        let off = inner.dropped_off.load(Ordering::Relaxed);
        let in_flight = batches.held.iter().map(|(batch, _)| batch.count());
        let in_flight = in_flight.fold(0, u64::saturating_add);
        let mut totals = Totals {
            delivered: batches.delivered,
            in_flight,
            dropped: Dropped { retention_off: off, queue_full: 0 },
            recorded: off,
            ..Totals::default()
        };
        for shard in &inner.shards {
            let sums = shard.lock().sums;
            totals.recorded = totals.recorded.saturating_add(sums.recorded);
            totals.held = totals.held.saturating_add(sums.held);
            totals.other = totals.other.saturating_add(sums.other);
            totals.expired = totals.expired.saturating_add(sums.expired);
            totals.evicted += sums.evicted;
            totals.groups += sums.groups as u64;
            totals.bytes += sums.bytes as u64;
        }
        totals
    }
}

impl Inner {
    /// Drops what is past its retention.
    pub(super) fn expire(&self, now: Now) {
        for shard in &self.shards {
            while shard.lock().expire(CHUNK, now) {}
        }
    }
}
