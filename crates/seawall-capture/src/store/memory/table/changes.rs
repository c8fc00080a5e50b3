//! What is not in the spool yet.

use serde::{Deserialize, Serialize};

use super::{Entry, Muted, Table};
use crate::clock::Now;
use crate::store::{Group, Resolution};
use crate::{Fingerprint, Timestamp};

/// The names of groups that differ from what the spool holds.
#[derive(Debug)]
pub(super) struct Changes {
    names: Vec<Fingerprint>,
    /// How many are noted at most.
    most: usize,
    /// There were more.
    too_many: bool,
}

/// What is kept of a group in the spool.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in super::super) struct Kept {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) merged_into: Option<Fingerprint>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    check: Option<u64>,
    born: Timestamp,
    pub(in super::super) touched: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    muted: Option<Muted>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    resolved: Option<Resolution>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in super::super) group: Option<Group>,
}

impl Kept {
    /// A group of which nothing is known but that.
    pub(in super::super) fn of(group: Option<Group>, now: Now) -> Self {
        let (born, touched) = (now.steady, now.wall);
        Self { merged_into: None, check: None, born, touched, muted: None, resolved: None, group }
    }
}

impl Table {
    /// Notes what changes from now on.
    pub(in super::super) fn note_changes(&mut self) {
        let most = self.limits.groups.saturating_mul(2).max(64);
        self.changes = Some(Changes { names: Vec::new(), most, too_many: false });
    }

    /// Hands over what was noted, into `names`, which is empty. Says whether that is not all.
    pub(in super::super) fn take_changes(&mut self, names: &mut Vec<Fingerprint>) -> bool {
        let Some(changes) = &mut self.changes else { return false };
        std::mem::swap(&mut changes.names, names);
        std::mem::take(&mut changes.too_many)
    }

    /// Notes that the group in `slot` changed.
    pub(super) fn changed(&mut self, slot: u32) {
        if self.changes.is_none() {
            return;
        }
        let Some(entry) = self.entry(slot) else { return };
        if !std::mem::replace(&mut entry.changed, true) {
            let name = entry.name;
            self.name_changed(name);
        }
    }

    /// Notes that what the spool holds of `name` is out of date.
    pub(in super::super) fn note(&mut self, name: Fingerprint) {
        match self.by_name.get(&name).copied() {
            Some(slot) => self.changed(slot),
            None => self.name_changed(name),
        }
    }

    /// Notes that what is known of `name` changed, whether or not there is a group of that name.
    pub(super) fn name_changed(&mut self, name: Fingerprint) {
        let Some(changes) = &mut self.changes else { return };
        if changes.names.len() < changes.most {
            changes.names.push(name);
        } else {
            changes.too_many = true;
        }
    }

    /// What is known of `name`, for the spool, which knows it from then on.
    pub(in super::super) fn kept(&mut self, name: Fingerprint, now: Now) -> Option<Kept> {
        if let Some(into) = self.aliases.get(&name) {
            return Some(Kept { merged_into: Some(*into), ..Kept::of(None, now) });
        }
        let slot = self.by_name.get(&name).copied()?;
        let entry = self.entry(slot)?;
        (entry.changed, entry.kept) = (false, true);
        Some(Kept {
            merged_into: None,
            check: entry.check,
            born: entry.born,
            touched: entry.touched,
            muted: entry.muted,
            resolved: entry.resolved.clone(),
            group: entry.group.clone(),
        })
    }

    /// The names of at most `most` places from place `from` on. Says where to go on.
    pub(in super::super) fn all_names(
        &self,
        from: usize,
        most: usize,
        names: &mut Vec<Fingerprint>,
    ) -> Option<usize> {
        if from == 0 {
            names.extend(self.aliases.keys());
        }
        let end = from.saturating_add(most).min(self.slots.len());
        names.extend(self.slots.get(from..end)?.iter().flatten().map(|entry| entry.name));
        (end < self.slots.len()).then_some(end)
    }

    /// Takes in how many occurrences were evicted.
    pub(in super::super) fn restore_other(&mut self, other: u64) {
        self.sums.other = self.sums.other.saturating_add(other);
        self.sums.recorded = self.sums.recorded.saturating_add(other);
    }

    /// Takes in what the spool kept of `name`.
    pub(in super::super) fn restore(&mut self, name: Fingerprint, kept: Kept, now: Now) {
        if let Some(into) = kept.merged_into {
            self.aliases.insert(name, into);
            return;
        }
        let holds = kept.group.is_some();
        if holds {
            self.make_room(now);
        }
        if let Some(group) = &kept.group {
            self.sums.recorded = self.sums.recorded.saturating_add(group.count);
            self.sums.held = self.sums.held.saturating_add(group.count);
            self.sums.groups += 1;
        }
        let slot = self.place(Entry {
            check: kept.check,
            // A clock that was set back must not keep it for longer.
            born: kept.born.min(now.steady),
            touched: kept.touched.min(now.wall),
            muted: kept.muted.map(|muted| muted.restored(now.steady)),
            resolved: kept.resolved,
            kept: true,
            // Nothing that the spool does not know.
            changed: true,
            group: kept.group,
            ..Entry::empty(name, now)
        });
        if holds {
            self.account(slot);
        }
        self.link(slot);
        if let Some(entry) = self.entry(slot) {
            entry.changed = false;
        }
        self.shrink(slot, now);
        self.forget_oldest();
    }
}
