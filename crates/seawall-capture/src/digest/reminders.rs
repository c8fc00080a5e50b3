//! Which groups were reported when, and when to report them again: a failure that goes on is no news
//! each time.

use std::collections::HashMap;
use std::mem;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::backoff;
use crate::store::Seen;
use crate::{Fingerprint, Timestamp};

/// How many groups are remembered: as many as a store holds by default.
const MOST: usize = 10_000;

/// When a digest last reported a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Reported {
    at: Timestamp,
    /// How many digests in a row reported it.
    times: u32,
}

/// When each group was last reported; at most [`MOST`] groups.
#[derive(Debug)]
pub(super) struct Reminders {
    first: Duration,
    most: Duration,
    reported: HashMap<Fingerprint, Reported>,
    /// Changes that are not in the spool yet; `None` without a spool.
    changed: Option<Vec<Fingerprint>>,
}

impl Reminders {
    pub(super) fn new(first: Duration, most: Duration, spooled: bool) -> Self {
        Self { first, most, reported: HashMap::new(), changed: spooled.then(Vec::new) }
    }

    fn note(&mut self, name: Fingerprint) {
        if let Some(changed) = &mut self.changed {
            changed.push(name);
        }
    }

    /// When this occurrence is to be reported: at once if its group was never reported, or not lately,
    /// or if it changed; otherwise when the group's interval is over.
    pub(super) fn due(&mut self, name: Fingerprint, seen: Seen, now: Timestamp) -> Timestamp {
        let Some(reported) = self.reported.get(&name) else { return now };
        let urgent = matches!(seen, Seen::Regressed | Seen::Unmuted | Seen::Spiking);
        if urgent || now.since(reported.at) >= self.most {
            self.forget(name);
            return now;
        }
        reported.at.after(backoff(self.first, self.most, reported.times))
    }

    /// A digest reports these.
    pub(super) fn report(&mut self, names: impl Iterator<Item = Fingerprint>, now: Timestamp) {
        for name in names {
            let reported = self.reported.entry(name).or_insert(Reported { at: now, times: 0 });
            *reported = Reported { at: now, times: reported.times.saturating_add(1) };
            self.note(name);
        }
        while self.reported.len() > MOST {
            self.forget_old(now);
        }
    }

    /// Forgets those whose interval is over; if there are none, the older half.
    fn forget_old(&mut self, now: Timestamp) {
        let mut ages: Vec<_> =
            self.reported.iter().map(|(name, reported)| (now.since(reported.at), *name)).collect();
        ages.sort_unstable();
        let young = ages.partition_point(|(age, _)| *age < self.most).min(MOST / 2);
        for (_, name) in &ages[young..] {
            self.forget(*name);
        }
    }

    fn forget(&mut self, name: Fingerprint) {
        self.reported.remove(&name);
        self.note(name);
    }

    /// The groups whose state changed since this was last called.
    pub(super) fn take_changed(&mut self) -> Vec<(Fingerprint, Option<Reported>)> {
        let mut names = self.changed.as_mut().map(mem::take).unwrap_or_default();
        names.sort_unstable();
        names.dedup();
        names.into_iter().map(|name| (name, self.reported.get(&name).copied())).collect()
    }

    pub(super) fn all(&self) -> Vec<(Fingerprint, Option<Reported>)> {
        self.reported.iter().map(|(name, reported)| (*name, Some(*reported))).collect()
    }

    /// Takes in what an earlier process had reported. Its clock may have been wrong.
    pub(super) fn restore(&mut self, name: Fingerprint, reported: Reported, now: Timestamp) {
        if self.reported.len() < MOST {
            self.reported.insert(name, Reported { at: reported.at.min(now), ..reported });
        }
    }
}
