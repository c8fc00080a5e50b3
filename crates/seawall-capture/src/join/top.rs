//! What failed most often since a breaker last opened.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall_core::Name;

use crate::{Fingerprint, Record};

/// How many fingerprints are counted for a name. With more kinds than these the counts of the
/// frequent ones are too high by what was counted for those that were replaced: "Space-Saving"
/// (Metwally, Agrawal, El Abbadi: "Efficient Computation of Frequent and Top-k Elements in Data
/// Streams", ICDT 2005).
const KINDS: usize = 16;

/// How many names there are counts for.
const NAMES: usize = 256;

#[derive(Debug, Default)]
pub(crate) struct Top(Mutex<Vec<Kind>>);

#[derive(Clone, Debug)]
pub(crate) struct Kind {
    pub(crate) fingerprint: Fingerprint,
    pub(crate) description: String,
    pub(crate) count: u64,
}

impl Top {
    pub(super) fn count(&self, record: &Record) {
        let fingerprint = record.grouping.fingerprint;
        let mut kinds = self.0.lock();
        if let Some(kind) = kinds.iter_mut().find(|kind| kind.fingerprint == fingerprint) {
            kind.count += 1;
            return;
        }
        let kind = |count| Kind { fingerprint, description: record.description.clone(), count };
        if kinds.len() < KINDS {
            kinds.push(kind(1));
        } else if let Some(rarest) = kinds.iter_mut().min_by_key(|kind| kind.count) {
            *rarest = kind(rarest.count + 1);
        }
    }

    /// The most frequent first. Counting begins again.
    pub(super) fn take(&self) -> Vec<Kind> {
        let mut kinds = std::mem::take(&mut *self.0.lock());
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.count));
        kinds
    }
}

#[derive(Debug, Default)]
pub(crate) struct Tops(Mutex<HashMap<Name, Arc<Top>>>);

impl Tops {
    /// The counts of `name`; counts that nobody reads if there are too many names.
    pub(crate) fn of(&self, name: &Name) -> Arc<Top> {
        let mut tops = self.0.lock();
        if !tops.contains_key(name) && tops.len() >= NAMES {
            return Arc::default();
        }
        Arc::clone(tops.entry(name.clone()).or_default())
    }

    pub(super) fn get(&self, name: &Name) -> Option<Arc<Top>> {
        self.0.lock().get(name).cloned()
    }
}
