//! What becomes one digest.

use std::cmp::Reverse;
use std::collections::HashMap;

use seawall_core::Random;
use serde::{Deserialize, Serialize};

use super::machine::Occurrence;
use super::{Digest, DigestGroup};
use crate::store::Seen;
use crate::{Fingerprint, Record, Timestamp};

/// The failures of one key since its last digest.
#[derive(Debug)]
pub(super) struct Gathering {
    groups: HashMap<Fingerprint, DigestGroup>,
    /// How many groups a digest has; up to twice as many are gathered.
    most: usize,
    /// How many failures were in groups that did not fit.
    other: u64,
    /// How many of the failures are canaries.
    canaries: u64,
    pub(super) began: Timestamp,
    pub(super) last: Timestamp,
    /// When the first of them is to be reported.
    pub(super) due: Timestamp,
    from: Timestamp,
    to: Timestamp,
    /// Whether it differs from what the spool holds.
    pub(super) changed: bool,
}

/// A gathering as the spool has it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Kept {
    groups: Vec<DigestGroup>,
    other: u64,
    #[serde(default)]
    canaries: u64,
    began: Timestamp,
    last: Timestamp,
    due: Timestamp,
    from: Timestamp,
    to: Timestamp,
}

impl Gathering {
    pub(super) fn new(most: usize, at: Timestamp, now: Timestamp) -> Self {
        Self {
            groups: HashMap::new(),
            most,
            other: 0,
            canaries: 0,
            began: now,
            last: now,
            due: Timestamp::MAX,
            from: at,
            to: at,
            changed: false,
        }
    }

    /// Adds an occurrence that is to be reported at `due`.
    pub(super) fn add(
        &mut self,
        record: &Record,
        what: Occurrence,
        due: Timestamp,
        now: Timestamp,
    ) {
        let Occurrence { name, count, seen, canary } = what;
        let group = self.groups.entry(name).or_insert_with(|| DigestGroup::empty(name, record));
        group.add(record, count, matches!(seen, Seen::New | Seen::Regressed));
        if canary {
            self.canaries = self.canaries.saturating_add(count);
        }
        if self.groups.len() > self.most.saturating_mul(2) {
            self.keep_the_first();
        }
        self.last = self.last.max(now);
        self.due = self.due.min(due);
        self.from = self.from.min(record.at);
        self.to = self.to.max(record.at);
        self.changed = true;
    }

    /// Keeps those that a digest shows, and counts the others. Seldom enough to cost each failure
    /// little: the next time is when as many more came.
    fn keep_the_first(&mut self) {
        let mut groups: Vec<_> = self.groups.drain().map(|(_, group)| group).collect();
        sort(&mut groups);
        self.other = self.other.saturating_add(cut(&mut groups, self.most));
        self.groups = groups.into_iter().map(|group| (group.fingerprint, group)).collect();
    }

    pub(super) fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.groups.keys().copied()
    }

    /// The digest, and how many of its failures are no canaries.
    pub(super) fn into_digest(mut self, key: String, random: &Random) -> (Digest, u64) {
        self.keep_the_first();
        let mut groups: Vec<_> = self.groups.into_values().collect();
        sort(&mut groups);
        let count = groups.iter().fold(self.other, |sum, group| sum.saturating_add(group.count));
        let Self { from, to, other, canaries, .. } = self;
        let digest = Digest { id: super::id(random), key, from, to, count, groups, other };
        (digest, count.saturating_sub(canaries))
    }

    pub(super) fn kept(&self) -> Kept {
        let &Self { other, canaries, began, last, due, from, to, .. } = self;
        let groups = self.groups.values().cloned().collect();
        Kept { groups, other, canaries, began, last, due, from, to }
    }

    /// Goes on from what a process before this one had gathered. Its clock may have been wrong:
    /// nothing is waited for longer than from `now`.
    pub(super) fn restore(kept: Kept, most: usize, now: Timestamp) -> Self {
        let Kept { groups, other, canaries, began, last, due, from, to } = kept;
        Self {
            groups: groups.into_iter().map(|group| (group.fingerprint, group)).collect(),
            most,
            other,
            canaries,
            began: began.min(now),
            last: last.min(now),
            due,
            from,
            to,
            changed: false,
        }
    }
}

/// New groups first, then by count.
pub(super) fn sort(groups: &mut [DigestGroup]) {
    groups.sort_unstable_by_key(|group| (!group.new, Reverse(group.count), group.fingerprint));
}

/// Keeps the first `most`. Gives how many failures were in the others.
pub(super) fn cut(groups: &mut Vec<DigestGroup>, most: usize) -> u64 {
    let rest = groups.split_off(groups.len().min(most));
    rest.iter().fold(0, |sum, group| sum.saturating_add(group.count))
}
