//! Where failures are kept.
//!
//! One trait, [`Store`], and [`MemoryStore`] here. What a store promises is written down as tests,
//! in [`conformance`] (feature `conformance`), which every store has to pass.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{Fingerprint, Kind, Record, Severity, Timestamp};

pub use group::{Group, MAX_TALLY, Mute, Resolution, Tally};
pub use memory::{MemoryStore, MemoryStoreBuilder, Retention};
pub use spike::SpikeConfig;

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod group;
mod memory;
pub(crate) mod spike;

/// What a store's answer comes as.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Where failures are kept, grouped, counted.
///
/// [`record`](Self::record) never fails, and waits for nothing but a lock that is held for
/// microseconds. All else may take its time and may find the store unavailable.
pub trait Store: Send + Sync + 'static {
    /// Counts an occurrence. Never does any I/O, never panics, never fails: what can't be kept is
    /// counted as dropped.
    fn record(&self, record: &Record) -> Seen;

    /// Ends when what was recorded before is visible to all other methods.
    fn sync(&self) -> StoreFuture<'_, ()>;

    /// The groups that `filter` lets through. Takes nothing out.
    fn list<'a>(&'a self, filter: &'a Filter) -> StoreFuture<'a, Vec<Group>>;

    /// One group, by its own name or by that of a group that was merged into it.
    fn group(&self, fingerprint: Fingerprint) -> StoreFuture<'_, Option<Group>>;

    /// What was counted in all.
    fn totals(&self) -> StoreFuture<'_, Totals>;

    /// Takes at most `max` groups out, to be [acknowledged](Self::acknowledge) or [put
    /// back](Self::put_back). What is recorded from then on is counted in new groups, so that no
    /// occurrence is lost.
    ///
    /// A batch that nobody comes back for is put back by the store when its lease has run out.
    fn take(&self, max: usize) -> StoreFuture<'_, Batch>;

    /// The batch arrived where it should: forgets it. Says whether it was there.
    fn acknowledge(&self, batch: BatchId) -> StoreFuture<'_, bool>;

    /// The batch did not arrive: counts its groups again, together with what came since. Says
    /// whether it was there.
    fn put_back(&self, batch: BatchId) -> StoreFuture<'_, bool>;

    /// Marks a group as resolved. Says whether it is known.
    fn resolve(&self, fingerprint: Fingerprint, resolution: Resolution) -> StoreFuture<'_, bool>;

    /// Mutes a group, or ends that. Says whether it is known.
    fn mute(&self, fingerprint: Fingerprint, mute: Option<Mute>) -> StoreFuture<'_, bool>;

    /// Counts the group `from` as part of `into`, now and from now on. Says whether it did: not
    /// where `into` is unknown, or is `from`.
    fn merge(&self, from: Fingerprint, into: Fingerprint) -> StoreFuture<'_, bool>;

    /// The `n` groups that were counted most.
    fn top(&self, n: usize) -> StoreFuture<'_, Vec<Group>> {
        Box::pin(async move {
            let filter = Filter { limit: n, order: Order::Count, ..Filter::default() };
            self.list(&filter).await
        })
    }

    /// Takes all and acknowledges it. If the acknowledgement does not get through, the groups are
    /// put back when the lease has run out.
    fn flush(&self) -> StoreFuture<'_, Batch> {
        Box::pin(async move {
            let batch = self.take(usize::MAX).await?;
            self.acknowledge(batch.id).await?;
            Ok(batch)
        })
    }
}

/// What recording did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Seen {
    /// A group that was never seen before, as far as the store remembers.
    New,
    /// A group that was resolved and is back.
    Regressed,
    /// A group that is muted.
    Muted,
    /// A group whose mute this occurrence ended.
    Unmuted,
    /// A known group that begins to come much more often than it used to.
    Spiking,
    /// A known group.
    Known,
    /// Kept; whether the group is new turns out later.
    Queued,
    /// Not kept.
    Dropped(DropReason),
}

/// Why an occurrence was not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
#[serde(rename_all = "snake_case")]
pub enum DropReason {
    /// The store has a queue, and it was full.
    QueueFull,
    /// Retention is off.
    RetentionOff,
    /// It came out of the recording or the delivery of another. Counted by the
    /// [`Capture`](crate::Capture::recursions).
    Recursion,
    /// The store panicked. Counted by the [`Capture`](crate::Capture::panics).
    Panicked,
}

/// Says which groups are listed. The default lets all through, the last seen first.
#[derive(Clone, Debug)]
pub struct Filter {
    /// Seen at this time or later.
    pub since: Option<Timestamp>,
    /// Of this kind.
    pub kind: Option<Kind>,
    /// At least this severe. Groups without a severity are let through only if this is `None`.
    pub severity: Option<Severity>,
    /// With occurrences from this source.
    pub source: Option<String>,
    /// With this text in type, description or message of the last occurrence, whatever the case.
    pub text: Option<String>,
    /// The most groups that are listed.
    pub limit: usize,
    /// In this order.
    pub order: Order,
}

impl Default for Filter {
    fn default() -> Self {
        Self {
            since: None,
            kind: None,
            severity: None,
            source: None,
            text: None,
            limit: usize::MAX,
            order: Order::LastSeen,
        }
    }
}

impl Filter {
    /// Whether `group` is let through.
    pub fn lets_through(&self, group: &Group) -> bool {
        self.since.is_none_or(|since| group.last_seen >= since)
            && self.kind.is_none_or(|kind| group.kind() == Some(kind))
            && self.severity.is_none_or(|least| group.severity() >= Some(least))
            && self.source.as_ref().is_none_or(|source| group.sources.get(source).is_some())
            && self.text.as_ref().is_none_or(|text| holds(group, &text.to_lowercase()))
    }
}

fn holds(group: &Group, text: &str) -> bool {
    let last = &group.last;
    [&last.type_name, &last.description, &last.details.message]
        .into_iter()
        .any(|place| place.to_lowercase().contains(text))
}

/// In which order groups are listed. Ties go by fingerprint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// The last seen first.
    #[default]
    LastSeen,
    /// Those that were counted most first.
    Count,
}

/// Names a batch that was taken. Those of this crate's stores are below [`END`](Self::END), so that
/// readers of JSON that take all numbers for floating point read the same id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BatchId(pub u64);

impl BatchId {
    /// 2^53: the first number that a floating-point number may take for another.
    pub const END: u64 = 1 << 53;
}

/// Groups that were taken out.
#[derive(Clone)]
#[non_exhaustive]
#[must_use = "a batch that is neither acknowledged nor put back comes back when its lease ends"]
pub struct Batch {
    /// What to acknowledge or put back.
    pub id: BatchId,
    /// The groups.
    pub groups: Vec<Arc<Group>>,
    /// Occurrences of groups that were evicted, which nothing else is known of.
    pub other: u64,
}

impl Batch {
    /// A batch, for those who write a [`Store`].
    pub const fn new(id: BatchId, groups: Vec<Arc<Group>>, other: u64) -> Self {
        Self { id, groups, other }
    }

    /// How many occurrences it stands for.
    pub fn count(&self) -> u64 {
        self.groups.iter().fold(self.other, |sum, group| sum.saturating_add(group.count))
    }

    /// Whether it stands for none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty() && self.other == 0
    }
}

impl fmt::Debug for Batch {
    /// Without the groups, of which there may be thousands.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batch")
            .field("id", &self.id)
            .field("groups", &self.groups.len())
            .field("other", &self.other)
            .finish()
    }
}

/// What was counted in all. At any time
/// `recorded = held + other + in_flight + delivered + expired + dropped`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Totals {
    /// Occurrences that came in.
    pub recorded: u64,
    /// Occurrences in groups that are held.
    pub held: u64,
    /// Occurrences of evicted groups that were not taken yet.
    pub other: u64,
    /// Occurrences in batches that were taken, and neither acknowledged nor put back.
    pub in_flight: u64,
    /// Occurrences in batches that were acknowledged.
    pub delivered: u64,
    /// Occurrences of groups whose retention ended.
    pub expired: u64,
    /// Occurrences that were not kept.
    pub dropped: Dropped,
    /// Groups that are held.
    pub groups: u64,
    /// Groups that were evicted.
    pub evicted: u64,
    /// Bytes that the groups take up that are held.
    pub bytes: u64,
}

impl Totals {
    /// Held and other.
    pub fn pending(&self) -> u64 {
        self.held.saturating_add(self.other)
    }

    /// Whether the sums are what they should be.
    pub fn add_up(&self) -> bool {
        let places = [self.in_flight, self.delivered, self.expired, self.dropped.total()];
        self.recorded == places.into_iter().fold(self.pending(), u64::saturating_add)
    }
}

/// Occurrences that were not kept, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dropped {
    /// [`DropReason::QueueFull`].
    pub queue_full: u64,
    /// [`DropReason::RetentionOff`].
    pub retention_off: u64,
}

impl Dropped {
    /// For all reasons together.
    pub fn total(&self) -> u64 {
        self.queue_full.saturating_add(self.retention_off)
    }
}

/// A store that could not do what it was asked.
#[derive(Debug)]
#[non_exhaustive]
pub enum StoreError {
    /// It can't be reached, or takes too long.
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// Too many batches are in flight: acknowledge some or put them back.
    TooManyBatches,
    /// What it holds is not what was stored.
    Corrupt(String),
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unavailable(_) => f.write_str("the store is unavailable"),
            Self::TooManyBatches => f.write_str("too many batches are in flight"),
            Self::Corrupt(what) => write!(f, "the store holds what was not stored: {what}"),
        }
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Unavailable(error) => Some(&**error),
            _ => None,
        }
    }
}
