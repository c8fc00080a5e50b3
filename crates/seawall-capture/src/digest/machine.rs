//! When which digest is made and sent. No clock, no I/O.

use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::Random;

use super::gathering::{Gathering, Kept};
use super::reminders::{Reminders, Reported};
use super::{Digest, backoff};
use crate::store::Seen;
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
    pub(super) remind: Duration,
    pub(super) remind_max: Duration,
}

#[derive(Debug)]
struct Waiting {
    digest: Arc<Digest>,
    due: Timestamp,
    failures: u32,
    sending: bool,
}

/// Which gatherings become digests.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which {
    /// Those that are due, and quiet or old enough.
    Over,
    /// Those that are due.
    Due,
    /// All.
    All,
}

/// What an occurrence is to the store, and to the alarms.
#[derive(Clone, Copy, Debug)]
pub(super) struct Occurrence {
    /// The name of its group.
    pub(super) name: Fingerprint,
    /// How many there were.
    pub(super) count: u64,
    pub(super) seen: Seen,
    pub(super) canary: bool,
}

/// What an earlier process left behind. Digests come oldest first.
#[derive(Debug, Default)]
pub(super) struct Memory {
    pub(super) digests: Vec<Digest>,
    pub(super) gathered: Vec<(String, Kept)>,
    pub(super) reported: Vec<(Fingerprint, Reported)>,
}

/// What the spool writes next; `None` removes an entry.
#[derive(Debug, Default)]
pub(super) struct Changes {
    pub(super) gathered: Vec<(String, Option<Kept>)>,
    pub(super) reported: Vec<(Fingerprint, Option<Reported>)>,
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
    /// Keys whose gathering became a digest since the spool last wrote; `None` without a spool.
    closed: Option<Vec<String>>,
    reminders: Reminders,
    waiting: Vec<Waiting>,
    pub(super) counts: Counts,
}

/// Where failures go whose keys are too many.
const REST: &str = "others";

impl Machine {
    /// `spooled` says whether anybody is going to take changes.
    pub(super) fn new(limits: Limits, random: Random, spooled: bool) -> Self {
        let reminders = Reminders::new(limits.remind, limits.remind_max, spooled);
        let (gathering, waiting) = (BTreeMap::new(), Vec::new());
        let closed = spooled.then(Vec::new);
        let counts = Counts::default();
        Self { limits, random, gathering, closed, reminders, waiting, counts }
    }

    pub(super) fn record(&mut self, key: &str, record: &Record, what: Occurrence, now: Timestamp) {
        let full = self.gathering.len() >= self.limits.keys;
        let key = if full && !self.gathering.contains_key(key) { REST } else { key };
        let due = self.reminders.due(what.name, what.seen, now);
        let gathering = match self.gathering.get_mut(key) {
            Some(gathering) => gathering,
            None => self.gathering.entry(key.to_owned()).or_insert(Gathering::new(
                self.limits.groups,
                record.at,
                now,
            )),
        };
        gathering.add(record, what, due, now);
    }

    /// Makes digests. Returns the number of failures in each, without canaries.
    pub(super) fn close(&mut self, now: Timestamp, which: Which) -> Vec<u64> {
        let mut made = Vec::new();
        let Limits { quiet, longest, .. } = self.limits;
        let over = |gathering: &Gathering| match which {
            Which::All => true,
            Which::Due => now >= gathering.due,
            Which::Over => {
                let Gathering { due, last, began, .. } = *gathering;
                now >= due && (now.since(last) >= quiet || now.since(began) >= longest)
            }
        };
        let keys: Vec<_> =
            self.gathering.iter().filter(|(_, g)| over(g)).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(gathering) = self.gathering.remove(&key) else { continue };
            self.reminders.report(gathering.fingerprints(), now);
            if let Some(closed) = &mut self.closed {
                closed.push(key.clone());
            }
            let (digest, failures) = gathering.into_digest(key, &self.random);
            made.push(failures);
            self.wait(Arc::new(digest), now);
        }
        self.bound();
        made
    }

    fn wait(&mut self, digest: Arc<Digest>, due: Timestamp) {
        self.waiting.push(Waiting { digest, due, failures: 0, sending: false });
    }

    /// Takes in what an earlier process left behind.
    pub(super) fn restore(&mut self, memory: Memory, now: Timestamp) {
        for digest in memory.digests {
            self.wait(Arc::new(digest), now);
        }
        for (key, kept) in memory.gathered.into_iter().take(self.limits.keys) {
            self.gathering.insert(key, Gathering::restore(kept, self.limits.groups, now));
        }
        for (name, reported) in memory.reported {
            self.reminders.restore(name, reported, now);
        }
        self.bound();
    }

    /// What changed since this was last called.
    pub(super) fn take_changes(&mut self) -> Changes {
        let closed = self.closed.as_mut().map(mem::take).unwrap_or_default();
        // A key that was gathered again since is written, not removed.
        let mut gathered: Vec<_> = closed
            .into_iter()
            .filter(|key| !self.gathering.contains_key(key))
            .map(|key| (key, None))
            .collect();
        for (key, gathering) in &mut self.gathering {
            if mem::take(&mut gathering.changed) {
                gathered.push((key.clone(), Some(gathering.kept())));
            }
        }
        Changes { gathered, reported: self.reminders.take_changed() }
    }

    /// Everything that the spool keeps, but for digests; it knows what changed from then on.
    pub(super) fn take_all(&mut self) -> Changes {
        self.take_changes();
        let kept = |(key, gathering): (&String, &Gathering)| (key.clone(), Some(gathering.kept()));
        Changes {
            gathered: self.gathering.iter().map(kept).collect(),
            reported: self.reminders.all(),
        }
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
                let failures = &mut self.counts.dropped_failures;
                *failures = failures.saturating_add(dropped.digest.count);
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

    /// The next digest that is due. It counts as being sent from now on.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Arc<Digest>> {
        self.start(|waiting| waiting.due <= now)
    }

    /// The next digest but those in `tried`, due or not; it is being sent from now on.
    pub(super) fn next_but(&mut self, tried: &[String]) -> Option<Arc<Digest>> {
        self.start(|waiting| !tried.contains(&waiting.digest.id))
    }

    /// Whether one of the digests but those in `tried` is being sent by somebody else.
    pub(super) fn is_sending_another_than(&self, tried: &[String]) -> bool {
        self.waiting.iter().any(|w| w.sending && !tried.contains(&w.digest.id))
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

    /// Everything that was not sent and that nobody is sending, which waits no longer.
    pub(super) fn take_left(&mut self) -> Vec<Arc<Digest>> {
        let left = self.waiting.extract_if(.., |waiting| !waiting.sending);
        left.map(|waiting| waiting.digest).collect()
    }

    /// How many digests somebody is sending.
    pub(super) fn sending(&self) -> usize {
        self.waiting.iter().filter(|waiting| waiting.sending).count()
    }

    /// Everything that was not sent.
    pub(super) fn left(&self) -> Vec<Arc<Digest>> {
        self.waiting.iter().map(|waiting| Arc::clone(&waiting.digest)).collect()
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}
