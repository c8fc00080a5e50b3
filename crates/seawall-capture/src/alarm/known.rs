//! Which fingerprints were seen.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use crate::{Fingerprint, Record, Timestamp};

/// How many notices of new fingerprints wait to be asked for; any further are counted in one.
const MAX_PENDING: usize = 100;
/// How many changes are noted for the spool; if there are more, everything is written.
const MAX_NOTED: usize = 4_096;

#[derive(Debug)]
pub(super) struct Known {
    most: usize,
    learning: Duration,
    began: Option<Timestamp>,
    seen: HashSet<Fingerprint>,
    /// In the order in which they came, which the number says.
    order: VecDeque<(u64, Fingerprint)>,
    next: u64,
    pending: Vec<String>,
    more: u64,
    noted: Noted,
}

/// Changes that are not in the spool yet. The number is that of the fingerprint, unless it was
/// forgotten since.
#[derive(Debug, Default)]
pub(super) struct Noted {
    pub(super) changes: Vec<(u64, Fingerprint)>,
    /// There were more, or nothing was written yet.
    pub(super) too_many: bool,
}

impl Known {
    pub(super) fn new(learning: Duration, most: usize) -> Self {
        Self {
            most,
            learning,
            began: None,
            seen: HashSet::new(),
            order: VecDeque::new(),
            next: 0,
            pending: Vec::new(),
            more: 0,
            noted: Noted { changes: Vec::new(), too_many: true },
        }
    }

    /// Learning begins, unless it began before a restart.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.began.get_or_insert(now);
    }

    pub(super) fn began(&self) -> Option<Timestamp> {
        self.began
    }

    /// Says whether it is new.
    pub(super) fn remember(&mut self, fingerprint: Fingerprint) -> bool {
        if !self.seen.insert(fingerprint) {
            return false;
        }
        self.order.push_back((self.next, fingerprint));
        self.note(self.next, fingerprint);
        self.next += 1;
        if self.order.len() > self.most
            && let Some((number, oldest)) = self.order.pop_front()
        {
            self.seen.remove(&oldest);
            self.note(number, oldest);
        }
        true
    }

    fn note(&mut self, number: u64, fingerprint: Fingerprint) {
        if self.noted.changes.len() < MAX_NOTED {
            self.noted.changes.push((number, fingerprint));
        } else {
            self.noted.too_many = true;
        }
    }

    pub(super) fn see(&mut self, record: &Record, now: Timestamp) {
        if !self.remember(record.grouping.fingerprint) {
            return;
        }
        if self.began.is_some_and(|began| now.since(began) < self.learning) {
            return;
        }
        if self.pending.len() == MAX_PENDING {
            self.more += 1;
            return;
        }
        let Record { type_name, description, grouping, .. } = record;
        self.pending.push(format!("{} {type_name}: {description}", grouping.fingerprint));
    }

    pub(super) fn take(&mut self) -> Vec<String> {
        let mut texts = std::mem::take(&mut self.pending);
        let more = std::mem::take(&mut self.more);
        if more > 0 {
            texts.push(format!("+{more} more new fingerprints"));
        }
        texts
    }

    pub(super) fn all(&self) -> Vec<Fingerprint> {
        self.order.iter().map(|(_, fingerprint)| *fingerprint).collect()
    }

    pub(super) fn take_noted(&mut self) -> Noted {
        std::mem::take(&mut self.noted)
    }

    pub(super) fn knows(&self, fingerprint: Fingerprint) -> bool {
        self.seen.contains(&fingerprint)
    }

    /// At most `most` that are known, from number `from` on.
    pub(super) fn from(&self, from: u64, most: usize) -> Vec<(u64, Fingerprint)> {
        let first = self.order.partition_point(|(number, _)| *number < from);
        self.order.iter().skip(first).take(most).copied().collect()
    }

    /// Takes in what was known before a restart, in its order.
    pub(super) fn restore(&mut self, began: Option<Timestamp>, known: Vec<(u64, Fingerprint)>) {
        self.began = began;
        for (number, fingerprint) in known {
            // A number that was made up leaves room for ours.
            self.next = self.next.max(number.min(u64::MAX / 2));
            self.remember(fingerprint);
        }
        // The spool holds all of it, except what did not fit.
        self.noted = Noted { changes: Vec::new(), too_many: began.is_none() };
    }
}
