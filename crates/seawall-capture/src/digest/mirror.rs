//! The digester as the spool sees it: the digests that wait, by their ids.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Digest;
use super::digester::Inner;
use crate::spool::{DIGESTS, Entries, EntryWriter, Source};

/// What the spool was told.
#[derive(Debug, Default)]
pub(super) struct Told {
    ids: BTreeSet<String>,
    /// What it is told of next.
    came: Vec<Arc<Digest>>,
    went: Vec<String>,
}

impl Told {
    pub(super) fn of(entries: &Entries) -> Self {
        let ids = entries.keys().map(|id| String::from_utf8_lossy(id).into_owned());
        Self { ids: ids.collect(), ..Self::default() }
    }

    fn put(&mut self, digest: &Digest, to: &mut EntryWriter<'_>) {
        // Writing to a vector can't fail, and nothing in a digest can't be written.
        to.put(DIGESTS, digest.id.as_bytes(), |to| _ = serde_json::to_writer(to, digest));
        self.ids.insert(digest.id.clone());
    }
}

/// The digests that were read, the oldest first, and how many were not understood.
pub(super) fn read(entries: &Entries) -> (Vec<Digest>, u64) {
    let digests = entries.values().filter_map(|value| serde_json::from_slice(value).ok());
    let mut digests: Vec<Digest> = digests.collect();
    digests.sort_by_key(|digest| digest.from);
    let unread = (entries.len() - digests.len()) as u64;
    (digests, unread)
}

impl Source for Inner {
    fn begin(&self) -> bool {
        let left = self.machine.lock().left();
        let mut told = self.told.lock();
        let Told { ids, came, went } = &mut *told;
        went.extend(ids.iter().filter(|id| left.iter().all(|digest| digest.id != **id)).cloned());
        came.extend(left.into_iter().filter(|digest| !ids.contains(&digest.id)));
        false
    }

    fn next(&self, to: &mut EntryWriter<'_>) {
        let mut told = self.told.lock();
        while !to.is_full() {
            if let Some(digest) = told.came.pop() {
                told.put(&digest, to);
            } else if let Some(id) = told.went.pop() {
                to.remove(DIGESTS, id.as_bytes());
                told.ids.remove(&id);
            } else {
                return;
            }
        }
    }

    fn all(&self, to: &mut EntryWriter<'_>) {
        let left = self.machine.lock().left();
        let mut told = self.told.lock();
        *told = Told::default();
        for digest in left {
            told.put(&digest, to);
        }
    }
}
