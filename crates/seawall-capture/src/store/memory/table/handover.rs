//! Groups that leave the table whole, and come back: taken, put back, merged.

use super::{DORMANT, Table};
use crate::Fingerprint;
use crate::clock::Now;
use crate::store::Group;

/// How many merges one shard remembers.
const MAX_ALIASES: usize = 1_024;

/// No more merges can be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct TooManyMerges;

/// The group was merged into this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct MergedInto(pub(in super::super) Fingerprint);

impl Table {
    /// Takes one group out, one that came often first. Its name is remembered.
    pub(in super::super) fn take(&mut self) -> Option<Group> {
        let lists = self.filled & !(1 << DORMANT);
        let list = 63_u32.checked_sub(lists.leading_zeros())?;
        let slot = self.lists[list as usize].head;
        let snapshot = self.marks(slot);
        let mut group = self.empty(slot)?;
        (group.muted, group.resolved) = snapshot;
        self.sums.held = self.sums.held.saturating_sub(group.count);
        self.relink(slot);
        self.forget_oldest();
        Some(group)
    }

    /// Takes out what was evicted.
    pub(in super::super) fn take_other(&mut self) -> u64 {
        std::mem::take(&mut self.sums.other)
    }

    /// Counts occurrences that nothing else is known of.
    pub(in super::super) fn add_other(&mut self, other: u64) {
        self.sums.other = self.sums.other.saturating_add(other);
    }

    /// Counts a group that was taken, or that was merged into `name`.
    pub(in super::super) fn put_back(
        &mut self,
        name: Fingerprint,
        group: &Group,
        now: Now,
    ) -> Result<(), MergedInto> {
        if let Some(into) = self.aliases.get(&name) {
            return Err(MergedInto(*into));
        }
        self.sums.held = self.sums.held.saturating_add(group.count);
        let slot = if let Some(slot) = self.by_name.get(&name).copied() {
            self.absorb(slot, group, now);
            slot
        } else {
            let grouping = group.first.grouping;
            let check = (grouping.fingerprint == name).then_some(grouping.check);
            let group = Group { fingerprint: name, ..group.clone() };
            self.add(name, check, group, now)
        };
        self.shrink(slot, now);
        Ok(())
    }

    fn absorb(&mut self, slot: u32, other: &Group, now: Now) {
        let Some(entry) = self.entry(slot) else { return };
        if let Some(group) = &mut entry.group {
            group.merge(other);
        } else {
            entry.group = Some(Group { fingerprint: entry.name, ..other.clone() });
            entry.touched = entry.touched.max(now.wall);
            self.unlink(slot);
            self.make_room(now);
            self.sums.groups += 1;
        }
        self.account(slot);
        self.relink(slot);
    }

    /// Takes the group `from` out for good: what comes from now on belongs to `into`.
    pub(in super::super) fn merge_away(
        &mut self,
        from: Fingerprint,
        into: Fingerprint,
    ) -> Result<Option<Group>, TooManyMerges> {
        if self.aliases.len() >= MAX_ALIASES {
            return Err(TooManyMerges);
        }
        self.aliases.insert(from, into);
        self.name_changed(from);
        let slot = self.by_name.get(&from).copied();
        let group = slot.and_then(|slot| {
            let group = self.empty(slot);
            self.remove(slot);
            group
        });
        if let Some(group) = &group {
            self.sums.held = self.sums.held.saturating_sub(group.count);
        }
        Ok(group)
    }

    /// Makes those that were merged into `from` be merged into `into`.
    pub(in super::super) fn redirect(&mut self, from: Fingerprint, into: Fingerprint) {
        let mut redirected = Vec::new();
        for (name, target) in self.aliases.iter_mut().filter(|(_, target)| **target == from) {
            *target = into;
            redirected.push(*name);
        }
        for name in redirected {
            self.name_changed(name);
        }
    }

    pub(in super::super) fn merged_into(&self, name: Fingerprint) -> Option<Fingerprint> {
        self.aliases.get(&name).copied()
    }
}
