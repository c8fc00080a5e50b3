//! Which fingerprints were seen.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use crate::{Fingerprint, Record, Timestamp};

/// How many notices of new fingerprints wait to be asked for; any further are counted in one.
const MAX_PENDING: usize = 100;

#[derive(Debug)]
pub(super) struct Known {
    most: usize,
    learning: Duration,
    began: Option<Timestamp>,
    seen: HashSet<Fingerprint>,
    order: VecDeque<Fingerprint>,
    pending: Vec<String>,
    more: u64,
}

impl Known {
    pub(super) fn new(learning: Duration, most: usize) -> Self {
        Self {
            most,
            learning,
            began: None,
            seen: HashSet::new(),
            order: VecDeque::new(),
            pending: Vec::new(),
            more: 0,
        }
    }

    pub(super) fn begin(&mut self, now: Timestamp) {
        self.began = Some(now);
    }

    /// Says whether it is new.
    pub(super) fn remember(&mut self, fingerprint: Fingerprint) -> bool {
        let new = self.seen.insert(fingerprint);
        if new {
            self.order.push_back(fingerprint);
            if self.order.len() > self.most
                && let Some(oldest) = self.order.pop_front()
            {
                self.seen.remove(&oldest);
            }
        }
        new
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
        self.order.iter().copied().collect()
    }
}
