//! One shard: the pure machine. No lock, no clock; everything that recording does takes constant
//! time.
//!
//! Groups are in lists by how often they came, in powers of two, each in the order in which its
//! groups last came. So what is rarest and oldest is at the head of the first list that is not
//! empty. Groups that came once are the nursery: what is new can't be told from noise yet, so it
//! may hold a quarter of the places against what is rare, but no more.

use std::collections::HashMap;
use std::time::Duration;

use super::list::{Links, List, NONE};
use crate::store::spike::{Change, HISTORY, Spike};
use crate::store::{Filter, Group, Mute, Resolution, Seen, SpikeConfig};
use crate::{Fingerprint, Grouping, Record, Timestamp};

/// The list of groups that came once.
const NURSERY: usize = 0;
/// The list of groups that are remembered, but hold nothing.
const DORMANT: usize = 63;
const LISTS: usize = 64;

/// How many groups with one fingerprint are told apart; any further share the last.
const MAX_COLLISIONS: u32 = 8;

/// How many merges one shard remembers.
pub(super) const MAX_ALIASES: usize = 1_024;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) groups: usize,
    pub(super) bytes: usize,
    pub(super) remembered: usize,
    pub(super) new_for: Duration,
    /// `None`: for ever.
    pub(super) retention: Option<Duration>,
    pub(super) spike: SpikeConfig,
}

/// What was counted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    pub(super) recorded: u64,
    pub(super) held: u64,
    pub(super) other: u64,
    pub(super) expired: u64,
    pub(super) evicted: u64,
    pub(super) groups: usize,
    pub(super) bytes: usize,
}

#[derive(Debug)]
struct Entry {
    name: Fingerprint,
    /// `None` until the first failure of the group's own came, where others were merged into it.
    check: Option<u64>,
    links: Links,
    born: Timestamp,
    touched: Timestamp,
    bytes: usize,
    muted: Option<Muted>,
    resolved: Option<Resolution>,
    spike: Spike,
    /// `None` where the group is remembered, but holds nothing.
    group: Option<Group>,
}

#[derive(Clone, Copy, Debug)]
struct Muted {
    mute: Mute,
    since: Option<Timestamp>,
    count: u64,
}

/// No more merges can be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooManyMerges;

/// The group was merged into this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MergedInto(pub(super) Fingerprint);

#[derive(Debug)]
pub(super) struct Table {
    limits: Limits,
    slots: Vec<Option<Box<Entry>>>,
    free: Vec<u32>,
    by_name: HashMap<Fingerprint, u32>,
    lists: [List; LISTS],
    /// Which lists are not empty, a bit for each.
    filled: u64,
    aliases: HashMap<Fingerprint, Fingerprint>,
    /// The list whose head is looked at next for what is past its retention.
    cursor: usize,
    pub(super) sums: Sums,
}

impl Table {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            slots: Vec::new(),
            free: Vec::new(),
            by_name: HashMap::new(),
            lists: [List::EMPTY; LISTS],
            filled: 0,
            aliases: HashMap::new(),
            cursor: 0,
            sums: Sums::default(),
        }
    }

    /// Counts an occurrence, unless its group was merged into another.
    pub(super) fn record(&mut self, record: &Record, now: Timestamp) -> Result<Seen, MergedInto> {
        if let Some(into) = self.aliases.get(&record.grouping.fingerprint) {
            return Err(MergedInto(*into));
        }
        let (name, slot) = self.find(&record.grouping);
        Ok(self.count(name, slot, Some(record.grouping.check), record, now))
    }

    /// Counts an occurrence in the group `name`, whatever its own fingerprint.
    pub(super) fn record_as(
        &mut self,
        name: Fingerprint,
        record: &Record,
        now: Timestamp,
    ) -> Result<Seen, MergedInto> {
        if let Some(into) = self.aliases.get(&name) {
            return Err(MergedInto(*into));
        }
        let slot = self.by_name.get(&name).copied();
        Ok(self.count(name, slot, None, record, now))
    }

    fn count(
        &mut self,
        name: Fingerprint,
        slot: Option<u32>,
        check: Option<u64>,
        record: &Record,
        now: Timestamp,
    ) -> Seen {
        self.sums.recorded += 1;
        self.sums.held += 1;
        self.expire_some(now);
        // It may have been the one that expired.
        match slot.filter(|_| self.by_name.contains_key(&name)) {
            Some(slot) => self.again(slot, record, now),
            None => self.insert(name, check, record, now),
        }
    }

    /// The group of `grouping`: by its fingerprint, or by a name made from it where failures
    /// collide.
    fn find(&mut self, grouping: &Grouping) -> (Fingerprint, Option<u32>) {
        let mut name = grouping.fingerprint;
        for n in 1..=MAX_COLLISIONS {
            let Some(slot) = self.by_name.get(&name).copied() else { return (name, None) };
            let Some(entry) = self.slots[slot as usize].as_mut() else { return (name, None) };
            if n == MAX_COLLISIONS || *entry.check.get_or_insert(grouping.check) == grouping.check {
                return (name, Some(slot));
            }
            name = grouping.fingerprint.colliding(n);
        }
        (name, None)
    }

    fn entry(&mut self, slot: u32) -> Option<&mut Entry> {
        self.slots.get_mut(slot as usize)?.as_deref_mut()
    }

    fn again(&mut self, slot: u32, record: &Record, now: Timestamp) -> Seen {
        let spike = self.limits.spike;
        let Some(entry) = self.entry(slot) else { return Seen::Again };
        entry.touched = entry.touched.max(now);
        let live = entry.group.is_some();
        let group = match &mut entry.group {
            Some(group) => {
                group.add(record);
                group
            }
            group => group.insert(Group::of(record, entry.name, false)),
        };
        let began = entry.spike.observe(1, now, &spike) == Change::Began;
        let muted = entry.muted.as_mut().map(|muted| muted.count(now));
        let seen =
            if entry.resolved.as_ref().is_some_and(|r| r.is_broken_by(&record.origin.version)) {
                entry.resolved = None;
                group.regressed = true;
                Seen::Regressed
            } else if muted == Some(true) {
                entry.muted = None;
                Seen::Unmuted
            } else if muted.is_some() {
                Seen::Muted
            } else if began {
                Seen::Spiking
            } else {
                Seen::Again
            };
        if !live {
            self.unlink(slot);
            self.make_room(now);
            self.sums.groups += 1;
        }
        self.account(slot);
        self.relink(slot);
        self.shrink(slot, now);
        seen
    }

    fn insert(
        &mut self,
        name: Fingerprint,
        check: Option<u64>,
        record: &Record,
        now: Timestamp,
    ) -> Seen {
        let group = Group::of(record, name, true);
        let slot = self.add(name, check, group, now);
        let spike = self.limits.spike;
        if let Some(entry) = self.entry(slot) {
            entry.spike.observe(1, now, &spike);
        }
        self.shrink(slot, now);
        Seen::New
    }

    /// Adds a group that is not there. Its count must be in the sums already.
    fn add(&mut self, name: Fingerprint, check: Option<u64>, group: Group, now: Timestamp) -> u32 {
        self.make_room(now);
        let entry = Box::new(Entry {
            name,
            check,
            links: Links::NONE,
            born: now,
            touched: now,
            bytes: 0,
            muted: None,
            resolved: None,
            spike: Spike::default(),
            group: Some(group),
        });
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(entry);
            slot
        } else {
            self.slots.push(Some(entry));
            // The bounds are far below 2^32; beyond, the name would not be found again.
            u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
        };
        self.by_name.insert(name, slot);
        self.sums.groups += 1;
        self.account(slot);
        self.link(slot);
        slot
    }

    /// Evicts until one more group fits.
    fn make_room(&mut self, now: Timestamp) {
        while self.sums.groups >= self.limits.groups {
            let Some(victim) = self.victim(NONE, now) else { return };
            self.evict(victim);
        }
    }

    /// Evicts until the bytes fit, but not `slot`.
    fn shrink(&mut self, slot: u32, now: Timestamp) {
        while self.sums.bytes > self.limits.bytes {
            let Some(victim) = self.victim(slot, now) else { return };
            self.evict(victim);
        }
    }

    /// The next to be evicted: what came once and is no longer new, or is beyond the nursery; else
    /// the rarest; else what came once. Of each the one that came longest ago.
    fn victim(&self, except: u32, now: Timestamp) -> Option<u32> {
        let nursery = self.head(NURSERY, except);
        if let Some(slot) = nursery {
            let entry = self.slots[slot as usize].as_deref();
            let grown = entry.is_some_and(|entry| now.since(entry.born) >= self.limits.new_for);
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
        self.sums.held -= group.count;
        self.sums.other += group.count;
        self.sums.evicted += 1;
        self.forget_unless_marked(slot);
    }

    /// Takes the group out of its entry.
    fn empty(&mut self, slot: u32) -> Option<Group> {
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
            self.relink(slot);
            self.forget_oldest();
        } else {
            self.remove(slot);
        }
    }

    fn remove(&mut self, slot: u32) {
        self.unlink(slot);
        if let Some(entry) = self.slots[slot as usize].take() {
            self.by_name.remove(&entry.name);
            self.free.push(slot);
        }
    }

    /// Keeps what is remembered within its bound.
    fn forget_oldest(&mut self) {
        while self.lists[DORMANT].len > self.limits.remembered {
            self.remove(self.lists[DORMANT].head);
        }
    }

    /// Looks at two lists in turn and drops what is past its retention at their heads: faster than
    /// one recording can add.
    fn expire_some(&mut self, now: Timestamp) {
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

    fn expire_head(&mut self, list: usize, now: Timestamp) -> bool {
        let Some(retention) = self.limits.retention else { return false };
        let slot = self.lists[list].head;
        let Some(entry) = self.entry(slot) else { return false };
        if now.since(entry.touched) < retention {
            return false;
        }
        if let Some(group) = self.empty(slot) {
            self.sums.held -= group.count;
            self.sums.expired += group.count;
        }
        self.forget_unless_marked(slot);
        true
    }

    /// Drops what is past its retention, at most `most` groups. Says whether there may be more.
    pub(super) fn expire(&mut self, most: usize, now: Timestamp) -> bool {
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

    /// Takes one group out, one that came often first. Its name is remembered.
    pub(super) fn take(&mut self) -> Option<Group> {
        let lists = self.filled & !(1 << DORMANT);
        let list = 63_u32.checked_sub(lists.leading_zeros())?;
        let slot = self.lists[list as usize].head;
        let snapshot = self.marks(slot);
        let mut group = self.empty(slot)?;
        (group.muted, group.resolved) = snapshot;
        self.sums.held -= group.count;
        self.relink(slot);
        self.forget_oldest();
        Some(group)
    }

    /// Takes out what was evicted.
    pub(super) fn take_other(&mut self) -> u64 {
        std::mem::take(&mut self.sums.other)
    }

    /// Counts a group that was taken, or that was merged into `name`.
    pub(super) fn put_back(
        &mut self,
        name: Fingerprint,
        group: &Group,
        now: Timestamp,
    ) -> Result<(), MergedInto> {
        if let Some(into) = self.aliases.get(&name) {
            return Err(MergedInto(*into));
        }
        self.sums.held += group.count;
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

    fn absorb(&mut self, slot: u32, other: &Group, now: Timestamp) {
        let Some(entry) = self.entry(slot) else { return };
        if let Some(group) = &mut entry.group {
            group.merge(other);
        } else {
            entry.group = Some(Group { fingerprint: entry.name, ..other.clone() });
            entry.touched = entry.touched.max(now);
            self.unlink(slot);
            self.make_room(now);
            self.sums.groups += 1;
        }
        self.account(slot);
        self.relink(slot);
    }

    /// Takes the group `from` out for good: what comes from now on belongs to `into`.
    pub(super) fn merge_away(
        &mut self,
        from: Fingerprint,
        into: Fingerprint,
    ) -> Result<Option<Group>, TooManyMerges> {
        if self.aliases.len() >= MAX_ALIASES {
            return Err(TooManyMerges);
        }
        self.aliases.insert(from, into);
        let slot = self.by_name.get(&from).copied();
        let group = slot.and_then(|slot| {
            let group = self.empty(slot);
            self.remove(slot);
            group
        });
        if let Some(group) = &group {
            self.sums.held -= group.count;
        }
        Ok(group)
    }

    /// Makes those that were merged into `from` be merged into `into`.
    pub(super) fn redirect(&mut self, from: Fingerprint, into: Fingerprint) {
        for target in self.aliases.values_mut().filter(|target| **target == from) {
            *target = into;
        }
    }

    pub(super) fn merged_into(&self, name: Fingerprint) -> Option<Fingerprint> {
        self.aliases.get(&name).copied()
    }

    pub(super) fn knows(&self, name: Fingerprint) -> bool {
        self.by_name.contains_key(&name)
    }

    pub(super) fn resolve(&mut self, name: Fingerprint, resolution: Resolution) -> bool {
        let entry = self.by_name.get(&name).copied().and_then(|slot| self.entry(slot));
        let Some(entry) = entry else { return false };
        entry.resolved = Some(resolution);
        if let Some(group) = &mut entry.group {
            group.new = false;
            group.regressed = false;
        }
        true
    }

    pub(super) fn mute(&mut self, name: Fingerprint, mute: Option<Mute>) -> bool {
        let entry = self.by_name.get(&name).copied().and_then(|slot| self.entry(slot));
        let Some(entry) = entry else { return false };
        entry.muted = mute.map(|mute| Muted { mute, since: None, count: 0 });
        true
    }

    fn marks(&mut self, slot: u32) -> (Option<Mute>, Option<Resolution>) {
        self.entry(slot).map_or((None, None), |entry| {
            (entry.muted.map(|muted| muted.mute), entry.resolved.clone())
        })
    }

    /// A copy of the group `name`.
    pub(super) fn group(&mut self, name: Fingerprint, now: Timestamp) -> Option<Group> {
        let slot = self.by_name.get(&name).copied()?;
        let (muted, resolved) = self.marks(slot);
        let spike = self.limits.spike;
        let entry = self.entry(slot)?;
        let group = entry.group.as_ref()?;
        let spiking = entry.spike.is_on(now, &spike);
        Some(Group { spiking, muted, resolved, ..group.clone() })
    }

    /// The names of the groups that `filter` lets through, with what they are ordered by, from
    /// place `from` on; at most `most` places are looked at. Says where to go on.
    pub(super) fn names(
        &self,
        filter: &Filter,
        from: usize,
        most: usize,
        names: &mut Vec<(u64, Timestamp, Fingerprint)>,
    ) -> Option<usize> {
        let end = from.saturating_add(most).min(self.slots.len());
        for entry in self.slots.get(from..end)?.iter().flatten() {
            if let Some(group) = entry.group.as_ref().filter(|group| filter.lets_through(group)) {
                names.push((group.count, group.last_seen, entry.name));
            }
        }
        (end < self.slots.len()).then_some(end)
    }

    fn account(&mut self, slot: u32) {
        let Some(entry) = self.entry(slot) else { return };
        let group = entry.group.as_ref().map_or(0, Group::footprint);
        let bytes = group + size_of::<Entry>() - size_of::<Group>() + HISTORY * size_of::<u32>();
        let before = std::mem::replace(&mut entry.bytes, bytes);
        self.sums.bytes = self.sums.bytes - before + bytes;
    }

    fn relink(&mut self, slot: u32) {
        self.unlink(slot);
        self.link(slot);
    }

    /// Puts an entry at the end of the list where it belongs.
    fn link(&mut self, slot: u32) {
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
    fn unlink(&mut self, slot: u32) {
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

impl Muted {
    /// Counts an occurrence. Says whether it ends the mute.
    fn count(&mut self, now: Timestamp) -> bool {
        let over = self.since.is_none_or(|since| now.since(since) >= self.mute.period);
        if over {
            self.since = Some(now);
            self.count = 0;
        }
        self.count = self.count.saturating_add(1);
        self.mute.until.is_some_and(|until| self.count >= until)
    }
}
