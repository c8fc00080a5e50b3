//! How a memory store is built.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Check, ConfigError, PolicyKind};

use super::mirror::Mirror;
use super::{Inner, MemoryStore};
use crate::spool::{GROUPS, SUMS};
use crate::store::SpikeConfig;
use crate::store::spike::HISTORY;
use crate::{Clock, Spool};

/// For how long groups are kept, counted from their last occurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention(pub(super) Option<Duration>);

impl Retention {
    /// No end: until they are taken or evicted. The same as [`of`](Self::of) zero.
    pub const KEEP: Self = Self(Some(Duration::ZERO));
    /// Nothing is stored; occurrences are counted as dropped.
    pub const OFF: Self = Self(None);

    /// For `time` after the last occurrence; zero is [`KEEP`](Self::KEEP).
    pub const fn of(time: Duration) -> Self {
        Self(Some(time))
    }

    /// For how long after the last occurrence; zero for [`KEEP`](Self::KEEP), `None` for
    /// [`OFF`](Self::OFF).
    pub const fn time(self) -> Option<Duration> {
        self.0
    }
}

/// Builds a [`MemoryStore`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`max_groups`](Self::max_groups) | 10,000 | more kinds of failure than anybody reads |
/// | [`max_bytes`](Self::max_bytes) | 64 MiB | a small part of a service's memory |
/// | [`shards`](Self::shards) | 8 | eight threads that fail at once rarely meet |
/// | [`retention`](Self::retention) | 30 days | long enough for a look after a holiday |
/// | [`new_for`](Self::new_for) | 1 min | what comes again within a minute is no noise |
/// | [`lease`](Self::lease) | 5 min | longer than any sink that is going to answer |
/// | [`spike`](Self::spike) | [`SpikeConfig::default`] | see there |
/// | [`spool`](Self::spool) | none | a file has to be somewhere |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct MemoryStoreBuilder {
    pub(super) max_groups: usize,
    pub(super) max_bytes: usize,
    pub(super) shards: usize,
    pub(super) retention: Retention,
    pub(super) new_for: Duration,
    pub(super) lease: Duration,
    pub(super) spike: SpikeConfig,
    pub(super) clock: Clock,
    pub(super) spool: Option<Spool>,
}

impl Default for MemoryStoreBuilder {
    fn default() -> Self {
        Self {
            max_groups: 10_000,
            max_bytes: 64 << 20,
            shards: 8,
            retention: Retention::of(Duration::from_hours(30 * 24)),
            new_for: Duration::from_mins(1),
            lease: Duration::from_mins(5),
            spike: SpikeConfig::default(),
            clock: Clock::system(),
            spool: None,
        }
    }
}

/// The least that a shard needs, in bytes: one group with everything in it at its longest.
pub(super) const MIN_SHARD_BYTES: usize = 1 << 20;

impl MemoryStoreBuilder {
    /// How many groups are held at most, at least one for each shard. Each shard holds its even
    /// share, so the store evicts when the fullest of them is full: with thousands of groups that
    /// is a few percent early.
    pub fn max_groups(mut self, groups: usize) -> Self {
        self.max_groups = groups;
        self
    }

    /// How many bytes groups may take up, at least 1 MiB for each shard. The table itself comes on
    /// top, with about 100 bytes for each group.
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// In how many parts the store is locked, 1 to 256.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards;
        self
    }

    /// For how long groups are kept.
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// For how long a group that came once is protected from eviction by what is rare, as long as
    /// such groups hold no more than a quarter of the places.
    pub fn new_for(mut self, time: Duration) -> Self {
        self.new_for = time;
        self
    }

    /// After how long a batch is put back that nobody came back for. Above zero.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// When a group is said to spike.
    pub fn spike(mut self, spike: SpikeConfig) -> Self {
        self.spike = spike;
        self
    }

    /// Where the time comes from.
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// What the store is written to, and read back from when it is built: see [the
    /// module](crate::spool). One store at most is given a spool. With [`Retention::OFF`] it is left
    /// alone.
    pub fn spool(mut self, spool: &Spool) -> Self {
        self.spool = Some(spool.clone());
        self
    }

    /// Builds the store.
    pub fn build(self) -> Result<MemoryStore, ConfigError> {
        let check = Check::of(PolicyKind::Capture);
        let shards = self.shards;
        check.that((1..=256).contains(&shards), "shards", shards, "between 1 and 256")?;
        let groups = self.max_groups;
        let allowed = "at least the number of shards and below 2^31";
        check.that((shards..1 << 31).contains(&groups), "max_groups", groups, allowed)?;
        let bytes = self.max_bytes;
        let enough = bytes / shards >= MIN_SHARD_BYTES;
        check.that(enough, "max_bytes", bytes, "at least 1 MiB for each shard")?;
        check.positive("lease", self.lease)?;
        let SpikeConfig { bucket, min_history, deviations, .. } = self.spike;
        check.positive("spike.bucket", bucket)?;
        let history = (1..=HISTORY).contains(&min_history);
        check.that(history, "spike.min_history", min_history, "between 1 and 30")?;
        let finite = deviations.is_finite() && deviations >= 0.0;
        check.that(finite, "spike.deviations", deviations, "a number of at least 0")?;
        match self.spool.clone().filter(|_| self.retention != Retention::OFF) {
            None => Ok(MemoryStore { inner: Arc::new(Inner::of(&self, None)), _spool: None }),
            Some(spool) => self.restored(spool),
        }
    }

    fn restored(&self, spool: Spool) -> Result<MemoryStore, ConfigError> {
        let (Some(groups), Some(sums)) = (spool.claim(GROUPS), spool.claim(SUMS)) else {
            let taken = "a spool that no other store has";
            return Err(ConfigError::new(PolicyKind::Capture, "spool", "another store's", taken));
        };
        let inner = Arc::new(Inner::of(self, Some(Mirror::new(spool.signal()))));
        let unread = inner.restore(&groups, &sums);
        spool.attach(&[GROUPS, SUMS], Arc::clone(&inner) as _, unread);
        Ok(MemoryStore { inner, _spool: Some(spool) })
    }
}
