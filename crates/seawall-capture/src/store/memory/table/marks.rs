//! What somebody said of a group: that it is resolved, or muted.

use serde::{Deserialize, Serialize};

use super::Table;
use crate::store::{Mute, Resolution};
use crate::{Fingerprint, Timestamp};

/// A mute, and how far it is from its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Muted {
    pub(super) mute: Mute,
    since: Option<Timestamp>,
    count: u64,
}

impl Table {
    pub(in super::super) fn resolve(&mut self, name: Fingerprint, resolution: Resolution) -> bool {
        let Some(slot) = self.by_name.get(&name).copied() else { return false };
        let Some(entry) = self.entry(slot) else { return false };
        entry.resolved = Some(resolution.bounded());
        if let Some(group) = &mut entry.group {
            group.new = false;
            group.regressed = false;
        }
        // What is only remembered takes up no bytes of those that groups may have.
        if entry.group.is_some() {
            self.account(slot);
        } else {
            self.changed(slot);
        }
        true
    }

    pub(in super::super) fn mute(&mut self, name: Fingerprint, mute: Option<Mute>) -> bool {
        let Some(slot) = self.by_name.get(&name).copied() else { return false };
        let Some(entry) = self.entry(slot) else { return false };
        entry.muted = mute.map(|mute| Muted { mute, since: None, count: 0 });
        self.changed(slot);
        true
    }

    pub(super) fn marks(&mut self, slot: u32) -> (Option<Mute>, Option<Resolution>) {
        self.entry(slot).map_or((None, None), |entry| {
            (entry.muted.map(|muted| muted.mute), entry.resolved.clone())
        })
    }
}

impl Muted {
    /// As it was kept by a process before this one, whose clock may have been wrong.
    pub(super) fn restored(self, now: Timestamp) -> Self {
        Self { since: self.since.map(|since| since.min(now)), ..self }
    }

    /// Counts an occurrence. Says whether it ends the mute.
    pub(super) fn count(&mut self, now: Timestamp) -> bool {
        let over = self.since.is_none_or(|since| now.since(since) >= self.mute.period);
        if over {
            self.since = Some(now);
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.mute.until.is_some_and(|until| self.count >= until)
    }
}
