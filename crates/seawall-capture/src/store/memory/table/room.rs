//! Keeping within bounds: what is evicted, what expires, what is forgotten.

use super::{DORMANT, NONE, NURSERY, Table};
use crate::clock::Now;
use crate::store::Group;

impl Table {
    /// Evicts until one more group fits.
    pub(super) fn make_room(&mut self, now: Now) {
        while self.sums.groups >= self.limits.groups {
            let Some(victim) = self.victim(NONE, now) else { return };
            self.evict(victim);
        }
    }

    /// Evicts until the bytes fit, but not `slot`.
    pub(super) fn shrink(&mut self, slot: u32, now: Now) {
        while self.sums.bytes > self.limits.bytes {
            let Some(victim) = self.victim(slot, now) else { return };
            self.evict(victim);
        }
    }

    /// The next to be evicted: what came once and is no longer new, or is beyond the nursery; else
    /// the rarest; else what came once. Of each the one that came longest ago.
    fn victim(&self, except: u32, now: Now) -> Option<u32> {
        let nursery = self.head(NURSERY, except);
        if let Some(slot) = nursery {
            let entry = self.slots[slot as usize].as_deref();
            let grown =
                entry.is_some_and(|entry| now.steady.since(entry.born) >= self.limits.new_for);
            if grown || self.lists[NURSERY].len * 4 > self.limits.groups {
                return nursery;
            }
        }
        let mut lists = self.filled & !(1 << NURSERY) & !(1 << DORMANT);
        while lists != 0 {
            let list = lists.trailing_zeros() as usize;
            if let Some(slot) = self.head(list, except) {
                return Some(slot);
            }
            lists &= lists - 1;
        }
        nursery
    }

    fn head(&self, list: usize, except: u32) -> Option<u32> {
        let mut slot = self.lists[list].head;
        if slot != NONE && slot == except {
            slot = self.slots[slot as usize].as_deref().map_or(NONE, |entry| entry.links.next);
        }
        (slot != NONE).then_some(slot)
    }

    fn evict(&mut self, slot: u32) {
        let Some(group) = self.empty(slot) else { return };
        self.sums.held = self.sums.held.saturating_sub(group.count);
        self.sums.other = self.sums.other.saturating_add(group.count);
        self.sums.evicted += 1;
        self.forget_unless_marked(slot);
    }

    /// Takes the group out of its entry.
    pub(super) fn empty(&mut self, slot: u32) -> Option<Group> {
        let entry = self.entry(slot)?;
        let group = entry.group.take()?;
        let bytes = std::mem::take(&mut entry.bytes);
        self.sums.bytes -= bytes;
        self.sums.groups -= 1;
        Some(group)
    }

    /// Forgets an entry that holds nothing, unless somebody muted or resolved it.
    fn forget_unless_marked(&mut self, slot: u32) {
        let Some(entry) = self.entry(slot) else { return };
        if entry.muted.is_some() || entry.resolved.is_some() {
            self.changed(slot);
            self.relink(slot);
            self.forget_oldest();
        } else {
            self.remove(slot);
        }
    }

    pub(super) fn remove(&mut self, slot: u32) {
        self.unlink(slot);
        if let Some(entry) = self.slots[slot as usize].take() {
            self.by_name.remove(&entry.name);
            self.free.push(slot);
            if entry.kept && !entry.changed {
                self.name_changed(entry.name);
            }
        }
    }

    /// Keeps what is remembered within its bound.
    pub(super) fn forget_oldest(&mut self) {
        while self.lists[DORMANT].len > self.limits.remembered {
            self.remove(self.lists[DORMANT].head);
        }
    }

    /// Looks at two lists in turn and drops what is past its retention at their heads: faster than
    /// one recording can add.
    pub(super) fn expire_some(&mut self, now: Now) {
        for _ in 0..2 {
            let lists = self.filled & !(1 << DORMANT);
            let later = lists & (u64::MAX << self.cursor);
            let list = if later == 0 { lists } else { later }.trailing_zeros() as usize;
            if list >= DORMANT {
                return;
            }
            self.expire_head(list, now);
            self.cursor = list + 1;
        }
    }

    fn expire_head(&mut self, list: usize, now: Now) -> bool {
        let Some(retention) = self.limits.retention else { return false };
        let slot = self.lists[list].head;
        let Some(entry) = self.entry(slot) else { return false };
        if now.wall.since(entry.touched) < retention {
            return false;
        }
        if let Some(group) = self.empty(slot) {
            self.sums.held = self.sums.held.saturating_sub(group.count);
            self.sums.expired = self.sums.expired.saturating_add(group.count);
        }
        self.forget_unless_marked(slot);
        true
    }

    /// Drops what is past its retention, at most `most` groups. Says whether there may be more.
    pub(in super::super) fn expire(&mut self, most: usize, now: Now) -> bool {
        let mut left = most;
        for list in 0..DORMANT {
            while self.expire_head(list, now) {
                left -= 1;
                if left == 0 {
                    return true;
                }
            }
        }
        false
    }
}
