//! The store in memory: sharded, bounded, exact.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{DropReason, Mute, Resolution, Seen};
use crate::sync::{AtomicU64, Mutex, MutexGuard, Receiver, Sender, queue};
use crate::{Clock, Fingerprint, Record, Spool, Timestamp};
use batches::Batches;
pub use config::{MemoryStoreBuilder, Retention};
use mirror::Mirror;
use table::{Limits, MergedInto, Table};

mod batches;
mod config;
mod list;
mod mirror;
mod read;
mod store;
mod table;

/// How many occurrences may wait for one shard.
const PLACES: usize = 64;
/// How many of them one recording works off.
const DRAIN: usize = 8;
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
/// away is counted in [`Totals::other`](super::Totals::other).
///
/// # Why totals are exact
///
/// Every occurrence is in exactly one place: a group, a queue, `other`, a batch, or one of the sums
/// of what is gone; and it moves from one to the next under a lock that [`totals`](Self::totals)
/// takes as well.
///
/// # What outlives the process
///
/// Nothing, unless it is given a [`Spool`]. With one, what was there is read back when the store is
/// built, and what changes is written; [the module](crate::spool) says what that guarantees.
#[derive(Clone, Debug)]
pub struct MemoryStore {
    inner: Arc<Inner>,
    /// Held so that it is written as long as the store is there.
    _spool: Option<Spool>,
}

#[derive(Debug)]
struct Inner {
    shards: Box<[Shard]>,
    batches: Mutex<Batches>,
    clock: Clock,
    lease: Duration,
    off: bool,
    dropped_off: AtomicU64,
    mirror: Option<Mirror>,
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

/// Records whose group turned out to be merged into one of another shard.
type SentOn = Vec<(Fingerprint, Box<Record>)>;

impl Default for MemoryStore {
    fn default() -> Self {
        let inner = Inner::of(&MemoryStoreBuilder::default(), None);
        Self { inner: Arc::new(inner), _spool: None }
    }
}

impl MemoryStore {
    /// A builder with the defaults.
    pub fn builder() -> MemoryStoreBuilder {
        MemoryStoreBuilder::default()
    }

    /// Counts an occurrence.
    pub fn record(&self, record: &Record) -> Seen {
        let seen = self.inner.record(record);
        // What is new should not wait until repeats are written.
        if matches!(seen, Seen::New | Seen::Regressed | Seen::Unmuted) {
            self.inner.news();
        }
        seen
    }

    /// Marks a group as resolved.
    pub fn resolve(&self, fingerprint: Fingerprint, resolution: Resolution) -> bool {
        self.inner.mark(fingerprint, |table, name| table.resolve(name, resolution))
    }

    /// Mutes a group, or ends that.
    pub fn mute(&self, fingerprint: Fingerprint, mute: Option<Mute>) -> bool {
        self.inner.mark(fingerprint, |table, name| table.mute(name, mute))
    }
}

impl Inner {
    fn of(config: &MemoryStoreBuilder, mirror: Option<Mirror>) -> Self {
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
        Self {
            shards: (0..config.shards).map(shard).collect(),
            batches: Mutex::new(Batches::new(config.clock.now())),
            clock: config.clock.clone(),
            lease: config.lease,
            off: config.retention == Retention::OFF,
            dropped_off: AtomicU64::new(0),
            mirror,
        }
    }

    fn shard(&self, name: Fingerprint) -> &Shard {
        let shards = &self.shards;
        // The top bits: the map inside the shard goes by all of them.
        let top = (name.to_bits() >> 112) as usize;
        &shards[top % shards.len()]
    }

    fn record(&self, record: &Record) -> Seen {
        if self.off {
            self.dropped_off.fetch_add(1, Ordering::Relaxed);
            return Seen::Dropped(DropReason::RetentionOff);
        }
        let now = self.clock.now();
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

    fn mark(
        &self,
        fingerprint: Fingerprint,
        mark: impl FnOnce(&mut Table, Fingerprint) -> bool,
    ) -> bool {
        let name = self.name_of(fingerprint);
        let mut state = self.settled(self.home(name), self.clock.now());
        let known = mark(&mut state.table, name);
        drop(state);
        self.news();
        known
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
        let other = self.shards.iter().find(|shard| shard.state.lock().table.knows(name));
        other.unwrap_or(first)
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

#[cfg(all(test, not(seawall_loom)))]
mod tests {
    use std::future::ready;

    use super::*;
    use crate::store::conformance;

    #[tokio::test]
    async fn it_does_what_every_store_promises() {
        for shards in [1, 8] {
            let store = || ready(MemoryStore::builder().shards(shards).build().unwrap());
            conformance::all(store).await;
        }
    }

    #[tokio::test]
    async fn it_does_so_with_a_spool_too() {
        let folder = std::env::temp_dir().join(format!("seawall-store-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let mut n = 0;
        conformance::all(|| {
            n += 1;
            let spool = Spool::open(folder.join(n.to_string())).unwrap();
            ready(MemoryStore::builder().spool(&spool).build().unwrap())
        })
        .await;
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
