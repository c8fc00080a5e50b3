//! Who was told of what, and when to tell again: a failure that goes on is no news each time.

use std::collections::HashMap;
use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backoff;
use crate::store::Seen;
use crate::{Fingerprint, Timestamp};

/// How many groups are remembered: as many as a store holds by default.
const MOST: usize = 10_000;

/// When a digest last told of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    at: Timestamp,
    /// How many digests in a row told of it.
    times: u32,
}

/// When each group was last told of, at most [`MOST`].
#[derive(Debug)]
pub(super) struct Reminders {
    first: Duration,
    most: Duration,
    told: HashMap<Fingerprint, Told>,
    /// What the spool is still to be told; `None` where there is none.
    changed: Option<Vec<Fingerprint>>,
}

impl Reminders {
    pub(super) fn new(first: Duration, most: Duration, spooled: bool) -> Self {
        Self { first, most, told: HashMap::new(), changed: spooled.then(Vec::new) }
    }

    fn note(&mut self, name: Fingerprint) {
        if let Some(changed) = &mut self.changed {
            changed.push(name);
        }
    }

    /// From when on somebody should be told of this occurrence: at once of what nobody was told of,
    /// or not lately, and of what changed; else when the group's interval is over.
    pub(super) fn due(&mut self, name: Fingerprint, seen: Seen, now: Timestamp) -> Timestamp {
        let Some(told) = self.told.get(&name) else { return now };
        let urgent = matches!(seen, Seen::Regressed | Seen::Unmuted | Seen::Spiking);
        if urgent || now.since(told.at) >= self.most {
            self.forget(name);
            return now;
        }
        told.at.after(backoff(self.first, self.most, told.times))
    }

    /// A digest tells of these.
    pub(super) fn tell(&mut self, names: impl Iterator<Item = Fingerprint>, now: Timestamp) {
        for name in names {
            let told = self.told.entry(name).or_insert(Told { at: now, times: 0 });
            *told = Told { at: now, times: told.times.saturating_add(1) };
            self.note(name);
        }
        while self.told.len() > MOST {
            self.forget_old(now);
        }
    }

    /// Forgets those whose interval is over; if there are none, the older half.
    fn forget_old(&mut self, now: Timestamp) {
        let mut ages: Vec<_> =
            self.told.iter().map(|(name, told)| (now.since(told.at), *name)).collect();
        ages.sort_unstable();
        let young = ages.partition_point(|(age, _)| *age < self.most).min(MOST / 2);
        for (_, name) in &ages[young..] {
            self.forget(*name);
        }
    }

    fn forget(&mut self, name: Fingerprint) {
        self.told.remove(&name);
        self.note(name);
    }

    /// The groups whose state changed since this was last called.
    pub(super) fn take_changed(&mut self) -> Vec<(Fingerprint, Option<Told>)> {
        let mut names = self.changed.as_mut().map(mem::take).unwrap_or_default();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| (name, self.told.get(&name).copied())).collect()
    }

    pub(super) fn all(&self) -> Vec<(Fingerprint, Option<Told>)> {
        self.told.iter().map(|(name, told)| (*name, Some(*told))).collect()
    }

    /// Takes in what a process before this one had told, whose clock may have been wrong.
    pub(super) fn restore(&mut self, name: Fingerprint, told: Told, now: Timestamp) {
        if self.told.len() < MOST {
            self.told.insert(name, Told { at: told.at.min(now), ..told });
        }
    }
}
