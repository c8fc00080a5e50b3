//! The lists that say what is rarest and oldest.

use super::{DORMANT, Entry, Links, NONE, Table};
use crate::store::spike::HISTORY;
use crate::store::{Group, Resolution};

impl Table {
    /// Counts the bytes of a group that is not what it was.
    pub(super) fn account(&mut self, slot: u32) {
        let Some(entry) = self.entry(slot) else { return };
        let group = entry.group.as_ref().map_or(0, Group::footprint);
        let resolved = entry.resolved.as_ref().map_or(0, Resolution::footprint);
        let bytes =
            group + resolved + size_of::<Entry>() - size_of::<Group>() + HISTORY * size_of::<u32>();
        let before = std::mem::replace(&mut entry.bytes, bytes);
        self.sums.bytes = self.sums.bytes - before + bytes;
        self.changed(slot);
    }

    pub(super) fn relink(&mut self, slot: u32) {
        self.unlink(slot);
        self.link(slot);
    }

    /// Puts an entry at the end of the list where it belongs.
    pub(super) fn link(&mut self, slot: u32) {
        let Some(entry) = self.slots[slot as usize].as_deref_mut() else { return };
        let list = match &entry.group {
            None => DORMANT,
            // 1 is in the nursery; 2 and 3 in list 1, 4 to 7 in list 2.
            Some(group) => (group.count.max(1).ilog2() as usize).min(DORMANT - 1),
        };
        let ends = &mut self.lists[list];
        entry.links = Links { list, prev: ends.tail, next: NONE };
        let prev = std::mem::replace(&mut ends.tail, slot);
        ends.len += 1;
        if prev == NONE {
            ends.head = slot;
            self.filled |= 1 << list;
        } else if let Some(prev) = self.entry(prev) {
            prev.links.next = slot;
        }
    }

    /// Takes an entry out of its list. One that is in none stays as it is.
    pub(super) fn unlink(&mut self, slot: u32) {
        let Some(entry) = self.entry(slot) else { return };
        let Links { list, prev, next } = std::mem::replace(&mut entry.links, Links::NONE);
        if prev == NONE && self.lists[list].head != slot {
            return;
        }
        match prev {
            NONE => self.lists[list].head = next,
            prev => {
                if let Some(prev) = self.entry(prev) {
                    prev.links.next = next;
                }
            }
        }
        match next {
            NONE => self.lists[list].tail = prev,
            next => {
                if let Some(next) = self.entry(next) {
                    next.links.prev = prev;
                }
            }
        }
        self.lists[list].len -= 1;
        if self.lists[list].len == 0 {
            self.filled &= !(1 << list);
        }
    }
}
