//! What another process left behind, and what failed half-way.

use seawall_capture::spool::SpoolError;
use seawall_capture::{Digester, MemoryStore, Spool};

use super::{Folder, counted, counts, record};

async fn recorded(folder: &Folder, name: &str) {
    let spool = Spool::open(folder.spool()).unwrap();
    let store = MemoryStore::builder().spool(&spool).build().unwrap();
    store.record(&record(name));
    spool.flush().await.unwrap();
}

fn read(folder: &Folder) -> MemoryStore {
    let spool = Spool::open(folder.spool()).unwrap();
    MemoryStore::builder().spool(&spool).build().unwrap()
}

/// A process that was killed while it compacted left its unfinished file.
#[tokio::test]
async fn an_unfinished_file_is_in_nobodys_way() {
    let folder = Folder::new();
    let next = folder.0.join("failures.spool.next");
    std::fs::write(&next, b"half of something").unwrap();
    recorded(&folder, "A").await;
    assert!(!next.exists());
    assert_eq!(counts(&read(&folder)), counted([("A", 1)]));
}

/// What could not be made anew is tried again, and is complete then: the sources have forgotten on
/// the way what they had to say.
#[tokio::test]
async fn a_compaction_that_failed_is_done_again() {
    let folder = Folder::new();
    let next = folder.0.join("failures.spool.next");
    // Nothing can be made where a folder with something in it is.
    std::fs::create_dir(&next).unwrap();
    std::fs::write(next.join("file"), b"").unwrap();
    {
        let spool = Spool::open(folder.spool()).unwrap();
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        store.record(&record("A"));
        assert!(matches!(spool.flush().await, Err(SpoolError::Io(_))));
        store.record(&record("B"));
        assert!(matches!(spool.flush().await, Err(SpoolError::Io(_))));
        assert!(spool.counts().failing);
        std::fs::remove_dir_all(&next).unwrap();
        spool.flush().await.unwrap();
        assert!(!spool.counts().failing && spool.counts().compactions == 1);
    }
    assert_eq!(counts(&read(&folder)), counted([("A", 1), ("B", 1)]));
}

/// A process that builds only some of what the spool holds keeps the rest, also when everything is
/// written anew.
#[tokio::test]
async fn sections_that_nobody_claims_survive_a_compaction() {
    let folder = Folder::new();
    recorded(&folder, "A").await;
    let bytes = std::fs::metadata(folder.spool()).unwrap().len();
    let spool = Spool::open(folder.spool()).unwrap();
    let digester = Digester::builder().spool(&spool).build().unwrap();
    let capture = seawall_capture::Capture::builder().observer(digester).build().unwrap();
    // Digests that come and go make the file long enough to be written anew.
    let long = "lorem ipsum ".repeat(300);
    for n in 0..2_000 {
        let draft = seawall_capture::Draft::new("E", "x").description(&long);
        capture.record(draft.fingerprint(n.to_string()));
        if n % 100 == 0 {
            spool.flush().await.unwrap();
        }
    }
    spool.flush().await.unwrap();
    assert!(spool.counts().compactions > 0 && spool.counts().bytes > bytes);
    drop((capture, spool));
    assert_eq!(counts(&read(&folder)), counted([("A", 1)]));
}
