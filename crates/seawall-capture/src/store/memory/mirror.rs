//! The store as the spool sees it: what is held and what is in flight, by name.
//!
//! The spool gets what a group *is*, not what happened to it, and a group that was taken counts
//! as it is until its batch is acknowledged. So whatever is lost on the way to the disk, the next
//! write makes up for it, and what was in flight when the process ended is held again.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;

use super::table::{Kept, MAX_COLLISIONS};
use super::{Inner, Shard};
use crate::record::Origin;
use crate::spool::{Entries, EntryWriter, GROUPS, SUMS, Signal, Source};
use crate::store::{Batch, Group};
use crate::{Fingerprint, Record, Timestamp};

/// How many groups are read under one lock of the batches.
const CHUNK: usize = 64;
/// The key of the sum of what was evicted.
const OTHER: &[u8] = b"other";

#[derive(Debug)]
pub(super) struct Mirror {
    signal: Arc<Signal>,
    written: Mutex<Written>,
}

#[derive(Debug, Default)]
struct Written {
    /// By shard: names of groups that changed, which are written next.
    changed: Vec<Vec<Fingerprint>>,
    /// What was evicted, as the spool knows it.
    other: u64,
}

/// What batches hold, by the name that it would be put back under.
type InFlight = HashMap<Fingerprint, Vec<Arc<Group>>>;

impl Mirror {
    pub(super) fn new(signal: Arc<Signal>) -> Self {
        Self { signal, written: Mutex::default() }
    }
}

impl Inner {
    /// Something came that should be on disk soon.
    pub(super) fn news(&self) {
        if let Some(mirror) = &self.mirror {
            mirror.signal.news();
        }
    }

    /// Notes that a batch is not owed any more.
    pub(super) fn forget_batch(&self, batch: &Batch) {
        if self.mirror.is_none() {
            return;
        }
        for group in &batch.groups {
            let name = self.name_of(group.fingerprint);
            self.home(name).lock().note(name);
        }
        self.news();
    }

    /// Takes in what was read, and notes what changes from then on. Gives how many entries were not
    /// understood.
    pub(super) fn restore(&self, groups: &Entries, sums: &Entries) -> u64 {
        let now = self.clock.both();
        for shard in &self.shards {
            shard.lock().note_changes();
        }
        let mut origins = HashSet::new();
        let mut read: Vec<_> =
            groups.iter().filter_map(|(key, value)| parse(key, value, &mut origins)).collect();
        let unread = groups.len() - read.len();
        // The last touched last, as the lists that say what goes first have it.
        read.sort_by_key(|(_, kept)| kept.touched);
        for (name, kept) in read {
            self.birthplace(name, &kept).lock().restore(name, kept, now);
        }
        let other = sums.get(OTHER).and_then(|sum| sum.as_slice().try_into().ok());
        let other = other.map_or(0, u64::from_le_bytes);
        self.shards[0].lock().restore_other(other);
        if let Some(mirror) = &self.mirror {
            let changed = self.shards.iter().map(|_| Vec::new()).collect();
            *mirror.written.lock() = Written { changed, other };
        }
        unread as u64
    }

    /// The shard that a group was made in: that of its fingerprint, which is not its name if it
    /// collided.
    fn birthplace(&self, name: Fingerprint, kept: &Kept) -> &Shard {
        let first = kept.group.as_ref().map(|group| group.first.grouping.fingerprint);
        let collided = |first: &Fingerprint| {
            *first != name && (1..MAX_COLLISIONS).any(|n| first.colliding(n) == name)
        };
        self.shard(first.filter(collided).unwrap_or(name))
    }

    fn in_flight(&self, held: &[(Batch, Timestamp)]) -> InFlight {
        let mut in_flight = InFlight::new();
        for group in held.iter().flat_map(|(batch, _)| &batch.groups) {
            in_flight.entry(self.name_of(group.fingerprint)).or_default().push(Arc::clone(group));
        }
        in_flight
    }

    /// What is held of the group `name` of `shard`, and in flight.
    fn owed(&self, shard: &Shard, name: Fingerprint, in_flight: &InFlight) -> Option<Kept> {
        let now = self.clock.both();
        let mut kept = shard.lock().kept(name, now);
        for group in in_flight.get(&name).into_iter().flatten() {
            match &mut kept.get_or_insert_with(|| Kept::of(None, now)).group {
                Some(kept) => kept.merge(group),
                none => *none = Some(Group { fingerprint: name, ..(**group).clone() }),
            }
        }
        kept
    }

    /// Tells of the groups `names` of `shard`.
    fn write(&self, shard: &Shard, names: &[Fingerprint], to: &mut EntryWriter<'_>) {
        // While it is locked nothing moves between shards and batches. Not while it is written:
        // nobody but the spool's thread is to wait for the disk.
        let batches = self.batches.lock();
        let in_flight = self.in_flight(&batches.held);
        let owed: Vec<_> =
            names.iter().map(|name| (*name, self.owed(shard, *name, &in_flight))).collect();
        drop(batches);
        for (name, kept) in owed {
            let key = name.to_bits().to_be_bytes();
            match kept {
                // Writing to a vector can't fail, and nothing in a group can't be written.
                Some(kept) => to.put(GROUPS, &key, |to| _ = serde_json::to_writer(to, &kept)),
                None => to.remove(GROUPS, &key),
            }
        }
    }

    /// What was evicted, and is owed.
    fn other(&self) -> u64 {
        let batches = self.batches.lock();
        let in_flight = batches.held.iter().map(|(batch, _)| batch.other);
        let held = self.shards.iter().map(|shard| shard.lock().sums.other);
        in_flight.chain(held).fold(0, u64::saturating_add)
    }

    fn write_other(&self, written: &mut Written, to: &mut EntryWriter<'_>) {
        let other = self.other();
        if other != written.other && !to.is_full() {
            to.put(SUMS, OTHER, |to| to.extend_from_slice(&other.to_le_bytes()));
            written.other = other;
        }
    }
}

impl Source for Inner {
    fn begin(&self) -> bool {
        let Some(mirror) = &self.mirror else { return false };
        let mut written = mirror.written.lock();
        let mut too_many = false;
        for (shard, names) in self.shards.iter().zip(&mut written.changed) {
            too_many |= shard.lock().take_changes(names);
        }
        too_many
    }

    fn next(&self, to: &mut EntryWriter<'_>) {
        let Some(mirror) = &self.mirror else { return };
        let mut written = mirror.written.lock();
        for (shard, names) in self.shards.iter().zip(&mut written.changed) {
            while !names.is_empty() && !to.is_full() {
                let rest = names.len().saturating_sub(CHUNK);
                self.write(shard, &names[rest..], to);
                names.truncate(rest);
            }
        }
        self.write_other(&mut written, to);
    }

    fn all(&self, to: &mut EntryWriter<'_>) {
        let Some(mirror) = &self.mirror else { return };
        let mut written = mirror.written.lock();
        let written = &mut *written;
        let mut names = Vec::new();
        // Before anything is written, so that what changes from here on is written afterwards.
        for (shard, changed) in self.shards.iter().zip(&mut written.changed) {
            changed.clear();
            shard.lock().take_changes(changed);
            changed.clear();
        }
        let mut in_flight: HashSet<_> =
            self.in_flight(&self.batches.lock().held).into_keys().collect();
        for shard in &self.shards {
            let mut from = Some(0);
            while let Some(place) = from {
                names.clear();
                from = shard.lock().all_names(place, CHUNK, &mut names);
                self.write(shard, &names, to);
                for name in &names {
                    in_flight.remove(name);
                }
            }
        }
        for name in in_flight {
            self.write(self.shard(name), &[name], to);
        }
        written.other = 0;
        self.write_other(written, to);
    }
}

fn parse(
    key: &[u8],
    value: &[u8],
    origins: &mut HashSet<Arc<Origin>>,
) -> Option<(Fingerprint, Kept)> {
    let name = Fingerprint::from_bits(u128::from_be_bytes(key.try_into().ok()?));
    let mut kept: Kept = serde_json::from_slice(value).ok()?;
    if let Some(group) = &mut kept.group {
        for record in [&mut group.first, &mut group.last] {
            share_origin(record, origins);
        }
    }
    Some((name, kept))
}

/// Records that were written one by one share their origin again.
fn share_origin(record: &mut Record, origins: &mut HashSet<Arc<Origin>>) {
    if let Some(known) = origins.get(&record.origin) {
        record.origin = Arc::clone(known);
    } else {
        origins.insert(Arc::clone(&record.origin));
    }
}
