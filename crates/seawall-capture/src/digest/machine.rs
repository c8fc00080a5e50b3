//! When which digest is made and sent. No clock, no I/O.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use seawall_core::Random;

use super::{Digest, backoff};
use crate::store::{MemoryStore, Seen};
use crate::{Fingerprint, Record, Timestamp};

#[derive(Clone, Debug)]
pub(super) struct Limits {
    pub(super) quiet: Duration,
    pub(super) longest: Duration,
    pub(super) groups: usize,
    pub(super) keys: usize,
    pub(super) waiting: usize,
    pub(super) retry: Duration,
    pub(super) retry_max: Duration,
}

/// What becomes one digest.
#[derive(Debug)]
struct Gathering {
    store: MemoryStore,
    new: HashSet<Fingerprint>,
    began: Timestamp,
    last: Timestamp,
    from: Timestamp,
    to: Timestamp,
}

#[derive(Debug)]
struct Waiting {
    digest: Arc<Digest>,
    due: Timestamp,
    failures: u32,
    sending: bool,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) sent: u64,
    pub(super) failed: u64,
    pub(super) merged: u64,
    pub(super) dropped: u64,
    pub(super) dropped_failures: u64,
}

#[derive(Debug)]
pub(super) struct Machine {
    limits: Limits,
    random: Random,
    gathering: BTreeMap<String, Gathering>,
    waiting: Vec<Waiting>,
    pub(super) counts: Counts,
}

/// Where failures go whose keys are too many.
const REST: &str = "others";

impl Machine {
    pub(super) fn new(limits: Limits, random: Random) -> Self {
        let (gathering, waiting) = (BTreeMap::new(), Vec::new());
        Self { limits, random, gathering, waiting, counts: Counts::default() }
    }

    pub(super) fn record(&mut self, key: &str, record: &Record, seen: Seen, now: Timestamp) {
        let full = self.gathering.len() >= self.limits.keys;
        let key = if full && !self.gathering.contains_key(key) { REST } else { key };
        if !self.gathering.contains_key(key) {
            let Some(gathering) = Gathering::new(self.limits.groups, record, now) else { return };
            self.gathering.insert(key.to_owned(), gathering);
        }
        if let Some(gathering) = self.gathering.get_mut(key) {
            gathering.add(record, seen, now, self.limits.groups);
        }
    }

    /// Makes digests of what is quiet or old enough; of everything if `all`. Gives how many failures
    /// each of them tells of.
    pub(super) fn close(&mut self, now: Timestamp, all: bool) -> Vec<u64> {
        let mut made = Vec::new();
        let Limits { quiet, longest, .. } = self.limits;
        let over =
            |g: &Gathering| all || now.since(g.last) >= quiet || now.since(g.began) >= longest;
        let keys: Vec<_> =
            self.gathering.iter().filter(|(_, g)| over(g)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(gathering) = self.gathering.remove(&key) else { continue };
            if let Some(digest) = gathering.into_digest(key, &self.random) {
                made.push(digest.count);
                self.wait(Arc::new(digest), now);
            }
        }
        self.bound();
        made
    }

    fn wait(&mut self, digest: Arc<Digest>, due: Timestamp) {
        self.waiting.push(Waiting { digest, due, failures: 0, sending: false });
    }

    /// Takes in what was not sent before a restart, the oldest first.
    pub(super) fn restore(&mut self, digests: Vec<Digest>, now: Timestamp) {
        for digest in digests {
            self.wait(Arc::new(digest), now);
        }
        self.bound();
    }

    /// Keeps no more waiting than may: merges the two oldest of one key, or drops the oldest.
    fn bound(&mut self) {
        while self.waiting.len() > self.limits.waiting {
            if !self.merge_two() {
                let Some(at) = self.waiting.iter().position(|waiting| !waiting.sending) else {
                    return;
                };
                let dropped = self.waiting.remove(at);
                self.counts.dropped += 1;
                self.counts.dropped_failures += dropped.digest.count;
            }
        }
    }

    fn merge_two(&mut self) -> bool {
        for first in 0..self.waiting.len() {
            let key = &self.waiting[first].digest.key;
            let later = (first + 1..self.waiting.len()).find(|at| {
                let later = &self.waiting[*at];
                !later.sending && later.digest.key == *key
            });
            let Some(later) = later.filter(|_| !self.waiting[first].sending) else { continue };
            let later = self.waiting.remove(later);
            let first = &mut self.waiting[first];
            let mut digest = (*first.digest).clone();
            digest.merge(&later.digest, self.limits.groups, &self.random);
            first.digest = Arc::new(digest);
            self.counts.merged += 1;
            return true;
        }
        false
    }

    /// The next digest that is due; it is being sent from now on.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Arc<Digest>> {
        self.start(|waiting| waiting.due <= now)
    }

    /// The next digest but those in `tried`, due or not; it is being sent from now on.
    pub(super) fn next_but(&mut self, tried: &[String]) -> Option<Arc<Digest>> {
        self.start(|waiting| !tried.contains(&waiting.digest.id))
    }

    fn start(&mut self, is: impl Fn(&Waiting) -> bool) -> Option<Arc<Digest>> {
        let waiting = self.waiting.iter_mut().find(|waiting| !waiting.sending && is(waiting))?;
        waiting.sending = true;
        Some(Arc::clone(&waiting.digest))
    }

    /// The sink confirmed.
    pub(super) fn sent(&mut self, id: &str) {
        let before = self.waiting.len();
        self.waiting.retain(|waiting| waiting.digest.id != id);
        self.counts.sent += (before - self.waiting.len()) as u64;
    }

    /// The sink did not confirm.
    pub(super) fn failed(&mut self, id: &str, now: Timestamp) {
        let Limits { retry, retry_max, .. } = self.limits;
        if let Some(waiting) = self.waiting.iter_mut().find(|w| w.digest.id == id) {
            waiting.sending = false;
            waiting.failures = waiting.failures.saturating_add(1);
            waiting.due = now.after(backoff(retry, retry_max, waiting.failures));
            self.counts.failed += 1;
        }
    }

    /// Everything that was not sent, which waits no longer.
    pub(super) fn take_left(&mut self) -> Vec<Arc<Digest>> {
        std::mem::take(&mut self.waiting).into_iter().map(|waiting| waiting.digest).collect()
    }

    /// Everything that was not sent.
    pub(super) fn left(&self) -> Vec<Arc<Digest>> {
        self.waiting.iter().map(|waiting| Arc::clone(&waiting.digest)).collect()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

impl Gathering {
    fn new(groups: usize, record: &Record, now: Timestamp) -> Option<Self> {
        let builder = MemoryStore::builder().shards(1).max_groups(groups).max_bytes(4 << 20);
        let (from, to) = (record.at, record.at);
        let store = builder.build().ok()?;
        Some(Self { store, new: HashSet::new(), began: now, last: now, from, to })
    }

    fn add(&mut self, record: &Record, seen: Seen, now: Timestamp, groups: usize) {
        self.store.record(record);
        if matches!(seen, Seen::New | Seen::Regressed) && self.new.len() < groups {
            self.new.insert(record.grouping.fingerprint);
        }
        self.last = self.last.max(now);
        self.from = self.from.min(record.at);
        self.to = self.to.max(record.at);
    }

    fn into_digest(self, key: String, random: &Random) -> Option<Digest> {
        // The store is ours alone: nothing is in flight, so taking can't be refused.
        let batch = self.store.take(usize::MAX).ok()?;
        Some(Digest::new(key, (self.from, self.to), &batch.groups, &self.new, batch.other, random))
    }
}
