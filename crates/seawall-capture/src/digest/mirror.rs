//! The digester as the spool sees it: the digests that wait by their ids, what is gathered by key,
//! and when a digest last reported a group.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Digest;
use super::digester::Inner;
use super::machine::{Changes, Memory};
use crate::Fingerprint;
use crate::spool::{DIGESTS, Entries, EntryWriter, GATHERED, REPORTED, Section, Source};

/// What was read of a spool.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    pub(super) digests: Entries,
    pub(super) gathered: Entries,
    pub(super) reported: Entries,
}

impl Remembered {
    /// What a process before this one left behind, and how many entries are not understood.
    pub(super) fn read(&self) -> (Memory, u64) {
        let key = |key: &[u8]| String::from_utf8(key.to_vec()).ok();
        let name = |key: &[u8]| {
            let bits: [u8; 16] = key.try_into().ok()?;
            Some(Fingerprint::from_bits(u128::from_be_bytes(bits)))
        };
        let mut digests: Vec<Digest> =
            read(&self.digests, |_| Some(())).into_iter().map(|((), digest)| digest).collect();
        digests.sort_by_key(|digest| digest.from);
        let memory = Memory {
            digests,
            gathered: read(&self.gathered, key),
            reported: read(&self.reported, name),
        };
        let entries = self.digests.len() + self.gathered.len() + self.reported.len();
        let understood = memory.digests.len() + memory.gathered.len() + memory.reported.len();
        (memory, (entries - understood) as u64)
    }
}

fn read<K, V: DeserializeOwned>(
    entries: &Entries,
    key: impl Fn(&[u8]) -> Option<K>,
) -> Vec<(K, V)> {
    let read = |(name, value): (&Vec<u8>, &Vec<u8>)| {
        Some((key(name)?, serde_json::from_slice(value).ok()?))
    };
    entries.iter().filter_map(read).collect()
}

/// What the spool holds.
#[derive(Debug, Default)]
pub(super) struct Mirror {
    ids: BTreeSet<String>,
    /// What it writes next.
    came: Vec<Arc<Digest>>,
    changes: Changes,
    went: Vec<String>,
}

impl Mirror {
    pub(super) fn of(remembered: &Remembered) -> Self {
        let ids = remembered.digests.keys().map(|id| String::from_utf8_lossy(id).into_owned());
        Self { ids: ids.collect(), ..Self::default() }
    }

    fn put(&mut self, digest: &Digest, to: &mut EntryWriter<'_>) {
        put(DIGESTS, digest.id.as_bytes(), Some(digest), to);
        self.ids.insert(digest.id.clone());
    }
}

/// Writes a value, or that there is none any more.
fn put<T: Serialize>(section: Section, key: &[u8], value: Option<&T>, to: &mut EntryWriter<'_>) {
    match value {
        // Writing to a vector can't fail, and nothing in a digest can't be written.
        Some(value) => to.put(section, key, |to| _ = serde_json::to_writer(to, value)),
        None => to.remove(section, key),
    }
}

impl Changes {
    /// Writes the next of them. Says whether there was one.
    fn write_one(&mut self, to: &mut EntryWriter<'_>) -> bool {
        if let Some((key, kept)) = self.gathered.pop() {
            put(GATHERED, key.as_bytes(), kept.as_ref(), to);
        } else if let Some((name, reported)) = self.reported.pop() {
            put(REPORTED, &name.to_bits().to_be_bytes(), reported.as_ref(), to);
        } else {
            return false;
        }
        true
    }
}

impl Source for Inner {
    fn begin(&self) -> bool {
        let mut machine = self.machine.lock();
        let (left, changes) = (machine.left(), machine.take_changes());
        drop(machine);
        let mut mirror = self.mirror.lock();
        let Mirror { ids, came, went, .. } = &mut *mirror;
        went.extend(ids.iter().filter(|id| left.iter().all(|digest| digest.id != **id)).cloned());
        came.extend(left.into_iter().filter(|digest| !ids.contains(&digest.id)));
        mirror.changes = changes;
        false
    }

    fn next(&self, to: &mut EntryWriter<'_>) {
        let mut mirror = self.mirror.lock();
        while !to.is_full() {
            // Digests come before what they were gathered of goes: rather twice than never.
            if let Some(digest) = mirror.came.pop() {
                mirror.put(&digest, to);
            } else if let Some(id) = mirror.went.pop() {
                to.remove(DIGESTS, id.as_bytes());
                mirror.ids.remove(&id);
            } else if !mirror.changes.write_one(to) {
                return;
            }
        }
    }

    fn all(&self, to: &mut EntryWriter<'_>) {
        let mut machine = self.machine.lock();
        let (left, mut all) = (machine.left(), machine.take_all());
        drop(machine);
        let mut mirror = self.mirror.lock();
        *mirror = Mirror::default();
        for digest in left {
            mirror.put(&digest, to);
        }
        while all.write_one(to) {}
    }
}
