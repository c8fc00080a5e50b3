//! The store in memory: sharded, bounded, exact.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use seawall_core::sync::{AtomicU64, Mutex};

use super::{DropReason, Mute, Resolution, Seen};
use crate::clock::Now;
use crate::{Clock, Fingerprint, Record, Spool};
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

/// How often a record is sent on to what its group was merged into. Merges are kept flat, so once
/// is the rule; more only while one is under way.
const MAX_HOPS: usize = 8;

/// Keeps failures in memory. Clones share it.
///
/// # How it stays out of the way
///
/// A recording locks one shard, for constant time: what is kept is in linked lists by how often
/// and when it came, so neither counting nor evicting searches. Reading and taking work in small
/// steps, and let go between them. So a recording waits for microseconds at most, and however many
/// threads fail at once, none of their failures is dropped.
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
/// Every occurrence is in exactly one place: a group, `other`, a batch, or one of the sums
/// of what is gone; and it moves from one to the next under a lock that [`totals`](Self::totals)
/// takes as well.
///
/// # What outlives the process
///
/// Nothing, unless it is given a [`Spool`]. With one, what was there is read back when the store is
/// built, and what changes is written; [the module](crate::spool) says what that guarantees.
#[derive(Clone)]
pub struct MemoryStore {
    inner: Arc<Inner>,
    /// Held so that it is written as long as the store is there.
    _spool: Option<Spool>,
}

struct Inner {
    shards: Box<[Shard]>,
    batches: Mutex<Batches>,
    clock: Clock,
    lease: Duration,
    off: bool,
    dropped_off: AtomicU64,
    mirror: Option<Mirror>,
}

type Shard = Mutex<Table>;

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
        Self {
            shards: (0..config.shards).map(|_| Mutex::new(Table::new(limits))).collect(),
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
        let now = self.clock.both();
        let seen = self.shard(record.grouping.fingerprint).lock().record(record, now);
        seen.unwrap_or_else(|MergedInto(into)| self.record_as(into, record, now))
    }

    fn mark(
        &self,
        fingerprint: Fingerprint,
        mark: impl FnOnce(&mut Table, Fingerprint) -> bool,
    ) -> bool {
        let name = self.name_of(fingerprint);
        let known = mark(&mut self.home(name).lock(), name);
        self.news();
        known
    }

    /// Counts an occurrence in the group `into`, or in what that was merged into.
    fn record_as(&self, into: Fingerprint, record: &Record, now: Now) -> Seen {
        let mut into = into;
        for _ in 0..MAX_HOPS {
            match self.shard(into).lock().record_as(into, record, now) {
                Ok(seen) => return seen,
                Err(MergedInto(further)) => into = further,
            }
        }
        self.shard(into).lock().record_here(into, record, now)
    }

    /// What a group goes by that may have been merged.
    fn name_of(&self, fingerprint: Fingerprint) -> Fingerprint {
        let mut name = fingerprint;
        for _ in 0..MAX_HOPS {
            let merged = self.shard(name).lock().merged_into(name);
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
        if first.lock().knows(name) {
            return first;
        }
        let other = self.shards.iter().find(|shard| shard.lock().knows(name));
        other.unwrap_or(first)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("totals", &self.totals()).finish_non_exhaustive()
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
