//! One shard: the pure machine. No lock, no clock; everything that recording does takes constant
//! time.
//!
//! Groups are in lists by how often they came, in powers of two, each in the order in which its
//! groups last came. So what is rarest and oldest is at the head of the first list that is not
//! empty. Groups that came once are the nursery: what is new may be noise, so it
//! may hold a quarter of the places against what is rare, but no more.

use std::collections::HashMap;
use std::time::Duration;

use super::list::{Links, List, NONE};
use crate::clock::Now;
use crate::store::spike::{Change, Spike};
use crate::store::{Filter, Group, Resolution, Seen, SpikeConfig};
use crate::{Fingerprint, Grouping, Record, Timestamp};
use changes::Changes;
pub(super) use changes::Kept;
pub(super) use handover::MergedInto;
use marks::Muted;

mod changes;
mod handover;
mod lists;
mod marks;
mod room;

/// The list of groups that came once.
const NURSERY: usize = 0;
/// The list of groups that are remembered, but hold nothing.
const DORMANT: usize = 63;
const LISTS: usize = 64;

/// How many groups with one fingerprint are kept apart; any further ones share the last.
pub(super) const MAX_COLLISIONS: u32 = 8;

#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) groups: usize,
    pub(super) bytes: usize,
    pub(super) remembered: usize,
    pub(super) new_for: Duration,
    /// `None`: no end.
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
    /// Steady.
    born: Timestamp,
    /// By the system's clock, as a retention goes on over a restart.
    touched: Timestamp,
    bytes: usize,
    muted: Option<Muted>,
    resolved: Option<Resolution>,
    spike: Spike,
    /// Whether it differs from what the spool holds.
    changed: bool,
    /// Whether the spool knows it.
    kept: bool,
    /// `None` where the group is remembered, but holds nothing.
    group: Option<Group>,
}

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
    /// `None` where nobody writes down what changes.
    changes: Option<Changes>,
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
            changes: None,
            sums: Sums::default(),
        }
    }

    /// Counts an occurrence, unless its group was merged into another.
    pub(super) fn record(&mut self, record: &Record, now: Now) -> Result<Seen, MergedInto> {
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
        now: Now,
    ) -> Result<Seen, MergedInto> {
        if let Some(into) = self.aliases.get(&name) {
            return Err(MergedInto(*into));
        }
        Ok(self.record_here(name, record, now))
    }

    /// Counts an occurrence in the group `name`, wherever that was merged into.
    pub(super) fn record_here(&mut self, name: Fingerprint, record: &Record, now: Now) -> Seen {
        let slot = self.by_name.get(&name).copied();
        self.count(name, slot, None, record, now)
    }

    fn count(
        &mut self,
        name: Fingerprint,
        slot: Option<u32>,
        check: Option<u64>,
        record: &Record,
        now: Now,
    ) -> Seen {
        self.sums.recorded = self.sums.recorded.saturating_add(1);
        self.sums.held = self.sums.held.saturating_add(1);
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

    fn again(&mut self, slot: u32, record: &Record, now: Now) -> Seen {
        let spike = self.limits.spike;
        let Some(entry) = self.entry(slot) else { return Seen::Known };
        entry.touched = entry.touched.max(now.wall);
        let live = entry.group.is_some();
        let group = match &mut entry.group {
            Some(group) => {
                group.add(record);
                group
            }
            group => group.insert(Group::of(record, entry.name, false)),
        };
        let began = entry.spike.observe(1, now.steady, &spike) == Change::Began;
        let muted = entry.muted.as_mut().map(|muted| muted.count(now.steady));
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
                Seen::Known
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

    fn insert(&mut self, name: Fingerprint, check: Option<u64>, record: &Record, now: Now) -> Seen {
        let group = Group::of(record, name, true);
        let slot = self.add(name, check, group, now);
        let spike = self.limits.spike;
        if let Some(entry) = self.entry(slot) {
            entry.spike.observe(1, now.steady, &spike);
        }
        self.shrink(slot, now);
        Seen::New
    }

    /// Adds a group that is not there. Its count must be in the sums already.
    fn add(&mut self, name: Fingerprint, check: Option<u64>, group: Group, now: Now) -> u32 {
        self.make_room(now);
        self.sums.groups += 1;
        let slot = self.place(Entry { check, group: Some(group), ..Entry::empty(name, now) });
        self.account(slot);
        self.link(slot);
        slot
    }

    fn place(&mut self, entry: Entry) -> u32 {
        let name = entry.name;
        let entry = Box::new(entry);
        let slot = if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = Some(entry);
            slot
        } else {
            self.slots.push(Some(entry));
            // The bounds are far below 2^32; beyond, the name would not be found again.
            u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
        };
        self.by_name.insert(name, slot);
        slot
    }

    pub(super) fn knows(&self, name: Fingerprint) -> bool {
        self.by_name.contains_key(&name)
    }

    /// A copy of the group `name`.
    pub(super) fn group(&mut self, name: Fingerprint, now: Now) -> Option<Group> {
        let slot = self.by_name.get(&name).copied()?;
        let (muted, resolved) = self.marks(slot);
        let spike = self.limits.spike;
        let entry = self.entry(slot)?;
        let group = entry.group.as_ref()?;
        let spiking = entry.spike.is_on(now.steady, &spike);
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
}

impl Entry {
    fn empty(name: Fingerprint, now: Now) -> Self {
        Self {
            name,
            check: None,
            links: Links::NONE,
            born: now.steady,
            touched: now.wall,
            bytes: 0,
            muted: None,
            resolved: None,
            spike: Spike::default(),
            changed: false,
            kept: false,
            group: None,
        }
    }
}
