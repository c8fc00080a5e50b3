//! What is at the place of a spool is not always a file, and not every time is one that a clock
//! knows.

use std::time::Duration;

use seawall_capture::spool::SpoolError;
use seawall_capture::{MemoryStore, Spool};

use super::{Folder, record};

#[cfg(unix)]
#[test]
fn a_pipe_is_no_spool_and_nobody_waits_for_it() {
    let folder = Folder::new();
    let made = std::process::Command::new("mkfifo").arg(folder.spool()).status();
    assert!(made.unwrap().success());
    assert!(matches!(Spool::open(folder.spool()), Err(SpoolError::NotASpool)));
}

#[cfg(unix)]
#[tokio::test]
async fn a_lock_that_is_a_link_to_nowhere_makes_nothing_there() {
    let folder = Folder::new();
    let target = folder.0.join("target");
    std::os::unix::fs::symlink(&target, folder.0.join("failures.spool.lock")).unwrap();
    let spool = Spool::open(folder.spool()).unwrap();
    assert!(matches!(spool.flush().await, Err(SpoolError::Io(_))));
    drop(spool);
    assert!(!target.exists());
}

#[tokio::test]
async fn repeats_may_wait_for_ever() {
    let folder = Folder::new();
    let spool = Spool::builder(folder.spool()).every(Duration::MAX).open().unwrap();
    let store = MemoryStore::builder().spool(&spool).build().unwrap();
    store.record(&record("A"));
    store.record(&record("A"));
    spool.flush().await.unwrap();
    assert!(spool.counts().entries > 0);
    drop((store, spool));
    let spool = Spool::open(folder.spool()).unwrap();
    assert_eq!(MemoryStore::builder().spool(&spool).build().unwrap().totals().held, 2);
}

/// A file that was made to hold more than a spool may does not fill the memory.
#[tokio::test]
async fn no_more_is_read_than_a_spool_may_hold() {
    let folder = Folder::new();
    drop(Spool::open(folder.spool()).unwrap());
    let mut bytes = std::fs::read(folder.spool()).unwrap();
    let value = vec![b'x'; 64 << 10];
    for n in 0..64_u8 {
        bytes.extend(super::files::entry(99, &[n], &value));
    }
    std::fs::write(folder.spool(), &bytes).unwrap();
    let spool = Spool::builder(folder.spool()).max_bytes(1 << 20).open().unwrap();
    // 15 of them and their keys fit into a megabyte.
    assert_eq!((spool.counts().left_out, spool.counts().cut), (64 - 15, 0));
}

/// Sums that a damaged or forged file holds saturate.
#[tokio::test]
async fn sums_do_not_wrap() {
    let folder = Folder::new();
    {
        let spool = Spool::open(folder.spool()).unwrap();
        let store = MemoryStore::builder().max_groups(1).shards(1).spool(&spool).build().unwrap();
        for name in ["A", "B", "C"] {
            store.record(&record(name));
        }
        spool.flush().await.unwrap();
    }
    let bytes = std::fs::read(folder.spool()).unwrap();
    // A group of as many as a number holds, twice, and as many that were evicted.
    let begin = b"{\"check\":";
    let at = bytes.windows(begin.len()).position(|window| window == begin).unwrap();
    let mut values = serde_json::Deserializer::from_slice(&bytes[at..]).into_iter();
    let mut value: serde_json::Value = values.next().unwrap().unwrap();
    assert_eq!(value["group"]["count"], 1);
    value["group"]["count"] = u64::MAX.into();
    let value = serde_json::to_vec(&value).unwrap();
    let mut forged = bytes.clone();
    forged.extend(super::files::entry(1, &[1; 16], &value));
    forged.extend(super::files::entry(1, &[2; 16], &value));
    forged.extend(super::files::entry(2, b"other", &u64::MAX.to_le_bytes()));
    std::fs::write(folder.spool(), &forged).unwrap();
    let spool = Spool::open(folder.spool()).unwrap();
    let store = MemoryStore::builder().max_groups(2).shards(1).spool(&spool).build().unwrap();
    for name in ["D", "E", "F"] {
        store.record(&record(name));
        let totals = store.totals();
        assert_eq!((totals.recorded, totals.other), (u64::MAX, u64::MAX));
        assert!(totals.pending() == u64::MAX && totals.add_up());
    }
    let _ = store.take(usize::MAX).unwrap();
    spool.flush().await.unwrap();
}
