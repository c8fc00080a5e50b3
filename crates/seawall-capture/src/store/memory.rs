//! The store in memory: sharded, bounded, exact.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{
    Batch, BatchId, DropReason, Dropped, Filter, Group, Mute, Order, Resolution, Seen, Store,
    StoreError, StoreFuture, Totals,
};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Receiver, Sender, queue};
use crate::{Clock, Fingerprint, Record, Timestamp};
pub use config::{MemoryStoreBuilder, Retention};
use table::{Limits, MergedInto, Table};

mod config;
mod list;
mod table;

/// How many occurrences may wait for one shard.
const PLACES: usize = 64;
/// How many of them one recording works off.
const DRAIN: usize = 8;
/// How many groups are looked at under one lock while reading, and moved while taking.
const CHUNK: usize = 32;
/// How many batches may be in flight.
const MAX_BATCHES: usize = 64;
/// How often a record is sent on to what its group was merged into. Merges are kept flat, so once
/// is the rule; more only while one is under way.
const MAX_HOPS: usize = 8;

/// Keeps failures in memory. Clones share it.
///
/// # How it stays out of the way
///
/// A recording locks one shard, for constant time: what is kept is in linked lists by how often
/// and when it came, so neither counting nor evicting searches. If the shard is busy all the same,
/// the record is queued, and whoever has the shard next works it off; if the queue is full it is
/// counted as dropped. Reading and taking work in small steps, and let go between them.
///
/// # What is evicted
///
/// When groups or bytes are at their bound, what came once and is no longer new goes first, the
/// oldest of it first; then what came rarest, by powers of two, and longest ago. New groups are
/// protected for [a while](MemoryStoreBuilder::new_for), but never hold more than a quarter of the
/// places against others: a flood of distinct messages can't wash out what is known. What goes
/// away is counted in [`Totals::other`].
///
/// # Why totals are exact
///
/// Every occurrence is in exactly one place: a group, a queue, `other`, a batch, or one of the sums
/// of what is gone; and it moves from one to the next under a lock that [`totals`](Self::totals)
/// takes as well.
#[derive(Clone, Debug)]
pub struct MemoryStore(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shards: Box<[Shard]>,
    batches: Mutex<Batches>,
    clock: Clock,
    lease: Duration,
    off: bool,
    dropped_off: AtomicU64,
}

#[derive(Debug)]
struct Shard {
    state: Mutex<State>,
    queue: Sender<Box<Record>>,
    dropped_full: AtomicU64,
}

#[derive(Debug)]
struct State {
    table: Table,
    waiting: Receiver<Box<Record>>,
}

#[derive(Debug, Default)]
struct Batches {
    next: u64,
    held: Vec<(Batch, Timestamp)>,
    delivered: u64,
}

/// Records whose group turned out to be merged into one of another shard.
type SentOn = Vec<(Fingerprint, Box<Record>)>;

impl Default for MemoryStore {
    fn default() -> Self {
        Self::of(&MemoryStoreBuilder::default())
    }
}

impl MemoryStore {
    /// A builder with the defaults.
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::default()
    }

    fn of(config: &MemoryStoreBuilder) -> Self {
        let limits = Limits {
            groups: config.max_groups / config.shards,
            bytes: config.max_bytes / config.shards,
            remembered: config.max_groups / config.shards,
            new_for: config.new_for,
            retention: config.retention.0.filter(|time| *time > Duration::ZERO),
            spike: config.spike,
        };
        let shard = |_| {
            let (queue, waiting) = queue(PLACES);
            let state = Mutex::new(State { table: Table::new(limits), waiting });
            Shard { state, queue, dropped_full: AtomicU64::new(0) }
        };
        Self(Arc::new(Inner {
            shards: (0..config.shards).map(shard).collect(),
            batches: Mutex::new(Batches::default()),
            clock: config.clock.clone(),
            lease: config.lease,
            off: config.retention == Retention::OFF,
            dropped_off: AtomicU64::new(0),
        }))
    }

    fn shard(&self, name: Fingerprint) -> &Shard {
        let shards = &self.0.shards;
        // The top bits: the map inside the shard goes by all of them.
        let top = (name.to_bits() >> 112) as usize;
        &shards[top % shards.len()]
    }

    /// Counts an occurrence.
    pub fn record(&self, record: &Record) -> Seen {
        if self.0.off {
            self.0.dropped_off.fetch_add(1, Ordering::Relaxed);
            return Seen::Dropped(DropReason::RetentionOff);
        }
        let now = self.0.clock.now();
        let shard = self.shard(record.grouping.fingerprint);
        let Some(mut state) = shard.state.try_lock() else {
            return shard.enqueue(record);
        };
        let sent_on = state.drain(DRAIN, now);
        let seen = state.table.record(record, now);
        drop(state);
        self.send_on(sent_on, now);
        seen.unwrap_or_else(|MergedInto(into)| self.record_as(into, record, now))
    }

    /// Counts an occurrence in the group `into`, or in what that was merged into.
    fn record_as(&self, into: Fingerprint, record: &Record, now: Timestamp) -> Seen {
        let mut into = into;
        for _ in 0..MAX_HOPS {
            let mut state = self.shard(into).state.lock();
            match state.table.record_as(into, record, now) {
                Ok(seen) => return seen,
                Err(MergedInto(further)) => into = further,
            }
        }
        self.shard(into).dropped_full.fetch_add(1, Ordering::Relaxed);
        Seen::Dropped(DropReason::QueueFull)
    }

    fn send_on(&self, records: SentOn, now: Timestamp) {
        for (into, record) in records {
            self.record_as(into, &record, now);
        }
    }

    /// Locks a shard in which nothing waits.
    fn settled<'s>(&self, shard: &'s Shard, now: Timestamp) -> MutexGuard<'s, State> {
        loop {
            let mut state = shard.state.lock();
            let sent_on = state.drain(PLACES, now);
            if sent_on.is_empty() {
                return state;
            }
            drop(state);
            self.send_on(sent_on, now);
        }
    }

    fn expire(&self, now: Timestamp) {
        for shard in &self.0.shards {
            while self.settled(shard, now).table.expire(CHUNK, now) {}
        }
    }

    /// What a group goes by that may have been merged.
    fn name_of(&self, fingerprint: Fingerprint) -> Fingerprint {
        let mut name = fingerprint;
        for _ in 0..MAX_HOPS {
            let merged = self.shard(name).state.lock().table.merged_into(name);
            match merged {
                Some(into) => name = into,
                None => break,
            }
        }
        name
    }

    /// The shard of a group: that of its name, or any other for one of those that collided.
    fn home(&self, name: Fingerprint) -> &Shard {
        let first = self.shard(name);
        if first.state.lock().table.knows(name) {
            return first;
        }
        let other = self.0.shards.iter().find(|shard| shard.state.lock().table.knows(name));
        other.unwrap_or(first)
    }

    /// The groups that `filter` lets through.
    pub fn list(&self, filter: &Filter) -> Vec<Group> {
        let now = self.0.clock.now();
        self.expire(now);
        let mut names = Vec::new();
        for shard in &self.0.shards {
            let mut from = Some(0);
            while let Some(place) = from {
                from = shard.state.lock().table.names(filter, place, CHUNK, &mut names);
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
        let groups = names
            .into_iter()
            .filter_map(|(_, _, name)| self.home(name).state.lock().table.group(name, now));
        groups.take(filter.limit).collect()
    }

    /// One group.
    pub fn group(&self, fingerprint: Fingerprint) -> Option<Group> {
        let now = self.0.clock.now();
        self.expire(now);
        let name = self.name_of(fingerprint);
        self.home(name).state.lock().table.group(name, now)
    }

    /// What was counted in all.
    pub fn totals(&self) -> Totals {
        let batches = self.0.batches.lock();
        let now = self.0.clock.now();
        let off = self.0.dropped_off.load(Ordering::Relaxed);
        let in_flight = batches.held.iter().map(|(batch, _)| batch.count()).sum::<u64>();
        let mut totals = Totals {
            delivered: batches.delivered,
            in_flight,
            dropped: Dropped { retention_off: off, queue_full: 0 },
            recorded: off,
            ..Totals::default()
        };
        for shard in &self.0.shards {
            let state = self.settled(shard, now);
            let full = shard.dropped_full.load(Ordering::Relaxed);
            let sums = state.table.sums;
            totals.recorded += sums.recorded + full;
            totals.dropped.queue_full += full;
            totals.held += sums.held;
            totals.other += sums.other;
            totals.expired += sums.expired;
            totals.evicted += sums.evicted;
            totals.groups += sums.groups as u64;
            totals.bytes += sums.bytes as u64;
        }
        totals
    }

    /// Takes at most `max` groups out, together with what is known of those that were evicted.
    pub fn take(&self, max: usize) -> Result<Batch, StoreError> {
        let now = self.0.clock.now();
        self.expire(now);
        let mut batches = self.0.batches.lock();
        self.end_leases(&mut batches, now);
        if batches.held.len() == MAX_BATCHES {
            return Err(StoreError::TooManyBatches);
        }
        let mut groups = Vec::new();
        let mut other = 0;
        for shard in &self.0.shards {
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
        let id = BatchId(batches.next);
        batches.next += 1;
        let batch = Batch::new(id, groups, other);
        batches.held.push((batch.clone(), now));
        Ok(batch)
    }

    fn end_leases(&self, batches: &mut Batches, now: Timestamp) {
        let over = |taken: &Timestamp| now.since(*taken) >= self.0.lease;
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
        self.0.shards[0].state.lock().table.sums.other += batch.other;
    }

    fn absorb(&self, name: Fingerprint, group: &Group, now: Timestamp) {
        let mut name = name;
        for _ in 0..MAX_HOPS {
            match self.home(name).state.lock().table.put_back(name, group, now) {
                Ok(()) => return,
                Err(MergedInto(into)) => name = into,
            }
        }
        self.0.shards[0].state.lock().table.sums.other += group.count;
    }

    /// The batch arrived.
    pub fn acknowledge(&self, id: BatchId) -> bool {
        let mut batches = self.0.batches.lock();
        let Some(at) = batches.held.iter().position(|(batch, _)| batch.id == id) else {
            return false;
        };
        let (batch, _) = batches.held.swap_remove(at);
        batches.delivered += batch.count();
        true
    }

    /// The batch did not arrive.
    pub fn put_back(&self, id: BatchId) -> bool {
        let mut batches = self.0.batches.lock();
        let Some(at) = batches.held.iter().position(|(batch, _)| batch.id == id) else {
            return false;
        };
        let (batch, _) = batches.held.swap_remove(at);
        self.count_again(&batch, self.0.clock.now());
        true
    }

    /// Marks a group as resolved.
    pub fn resolve(&self, fingerprint: Fingerprint, resolution: Resolution) -> bool {
        let name = self.name_of(fingerprint);
        let shard = self.home(name);
        self.settled(shard, self.0.clock.now()).table.resolve(name, resolution)
    }

    /// Mutes a group, or ends that.
    pub fn mute(&self, fingerprint: Fingerprint, mute: Option<Mute>) -> bool {
        let name = self.name_of(fingerprint);
        let shard = self.home(name);
        self.settled(shard, self.0.clock.now()).table.mute(name, mute)
    }

    /// Counts the group `from` as part of `into`, now and from now on.
    pub fn merge(&self, from: Fingerprint, into: Fingerprint) -> bool {
        // Held throughout: merges come one after the other, and totals see none half done.
        let _batches = self.0.batches.lock();
        let now = self.0.clock.now();
        let (from, into) = (self.name_of(from), self.name_of(into));
        if from == into || !self.home(into).state.lock().table.knows(into) {
            return false;
        }
        let Ok(group) = self.settled(self.home(from), now).table.merge_away(from, into) else {
            return false;
        };
        for shard in &self.0.shards {
            shard.state.lock().table.redirect(from, into);
        }
        if let Some(group) = group {
            self.absorb(into, &group, now);
        }
        true
    }
}

impl Shard {
    fn enqueue(&self, record: &Record) -> Seen {
        if self.queue.send(Box::new(record.clone())) {
            return Seen::Queued;
        }
        self.dropped_full.fetch_add(1, Ordering::Relaxed);
        Seen::Dropped(DropReason::QueueFull)
    }
}

impl State {
    /// Works off at most `most` of what waits. Gives back what belongs elsewhere.
    fn drain(&mut self, most: usize, now: Timestamp) -> SentOn {
        let mut sent_on = SentOn::new();
        for _ in 0..most {
            let Some(record) = self.waiting.next() else { break };
            if let Err(MergedInto(into)) = self.table.record(&record, now) {
                sent_on.push((into, record));
            }
        }
        sent_on
    }
}

impl Store for MemoryStore {
    fn record(&self, record: &Record) -> Seen {
        Self::record(self, record)
    }

    fn sync(&self) -> StoreFuture<'_, ()> {
        // Every reading works off what waits.
        Box::pin(ready(Ok(())))
    }

    fn list<'a>(&'a self, filter: &'a Filter) -> StoreFuture<'a, Vec<Group>> {
        Box::pin(ready(Ok(Self::list(self, filter))))
    }

    fn group(&self, fingerprint: Fingerprint) -> StoreFuture<'_, Option<Group>> {
        Box::pin(ready(Ok(Self::group(self, fingerprint))))
    }

    fn totals(&self) -> StoreFuture<'_, Totals> {
        Box::pin(ready(Ok(Self::totals(self))))
    }

    fn take(&self, max: usize) -> StoreFuture<'_, Batch> {
        Box::pin(ready(Self::take(self, max)))
    }

    fn acknowledge(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::acknowledge(self, batch))))
    }

    fn put_back(&self, batch: BatchId) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::put_back(self, batch))))
    }

    fn resolve(&self, fingerprint: Fingerprint, resolution: Resolution) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::resolve(self, fingerprint, resolution))))
    }

    fn mute(&self, fingerprint: Fingerprint, mute: Option<Mute>) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::mute(self, fingerprint, mute))))
    }

    fn merge(&self, from: Fingerprint, into: Fingerprint) -> StoreFuture<'_, bool> {
        Box::pin(ready(Ok(Self::merge(self, from, into))))
    }
}

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn it_does_what_every_store_promises() {
        for shards in [1, 8] {
            let store = || ready(MemoryStore::builder().shards(shards).build().unwrap());
            conformance::all(store).await;
        }
    }
}
