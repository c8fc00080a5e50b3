//! What outlives the process.
#![cfg(not(seawall_loom))]

mod alarms;
mod damage;
mod digests;
mod files;
mod killed;
mod leftovers;
mod model;
mod not_a_file;
mod restart;
mod trouble;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seawall_capture::store::{Filter, Seen};
use seawall_capture::{Capture, Draft, MemoryStore, Record, Spool};

/// A folder of its own for each test, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("seawall-spool-{}-{n}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn spool(&self) -> PathBuf {
        self.0.join("failures.spool")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn record(name: &str) -> Record {
    prepare(Draft::new(name, "it broke"))
}

fn prepare(draft: Draft) -> Record {
    Capture::builder().host("h").version("1.0.0").build().unwrap().prepare(draft)
}

/// A spool that nothing but what is new, and a flush, makes write.
fn open(path: &Path) -> (Spool, MemoryStore) {
    let spool = Spool::builder(path).every(Duration::from_hours(1)).open().unwrap();
    let store = MemoryStore::builder().spool(&spool).build().unwrap();
    (spool, store)
}

/// What recording says.
async fn seen(spool: &Spool, store: &MemoryStore, record: &Record) -> Seen {
    spool.flush().await.unwrap();
    store.record(record)
}

/// Counts by type.
fn counts(store: &MemoryStore) -> BTreeMap<String, u64> {
    let groups = store.list(&Filter::default());
    groups.into_iter().map(|group| (group.last.type_name, group.count)).collect()
}

fn counted<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
    counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect()
}
