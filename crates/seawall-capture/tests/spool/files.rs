//! The files themselves.

use std::time::Duration;

use seawall_capture::spool::{Durability, SpoolError};
use seawall_capture::{Alarms, Digester, Draft, MemoryStore, Spool};

use super::{Folder, counted, counts, open, prepare, record};

#[tokio::test]
async fn a_version_that_is_not_known_is_an_error_and_left_as_it_is() {
    let folder = Folder::new();
    {
        let (_spool, store) = open(&folder.spool());
        store.record(&record("A"));
    }
    let mut bytes = std::fs::read(folder.spool()).unwrap();
    bytes[8] = 7;
    let crc = crc32fast::hash(&bytes[..12]);
    bytes[12..16].copy_from_slice(&crc.to_le_bytes());
    std::fs::write(folder.spool(), &bytes).unwrap();
    let error = Spool::open(folder.spool()).unwrap_err();
    assert!(matches!(error, SpoolError::Version { found: 7, known: 1, .. }), "{error:?}");
    assert_eq!(error.to_string(), "the spool is of version 7, and version 1 is what is known");
    assert_eq!(std::fs::read(folder.spool()).unwrap(), bytes);
}

#[tokio::test]
async fn something_else_is_an_error_and_left_as_it_is() {
    let folder = Folder::new();
    for bytes in [&b"To whom it may concern:"[..], b"short", &[0; 4_096]] {
        std::fs::write(folder.spool(), bytes).unwrap();
        let error = Spool::open(folder.spool()).unwrap_err();
        assert!(matches!(error, SpoolError::NotASpool), "{error:?}");
        assert_eq!(std::fs::read(folder.spool()).unwrap(), bytes);
    }
    std::fs::remove_file(folder.spool()).unwrap();
    std::fs::create_dir(folder.spool()).unwrap();
    assert!(matches!(Spool::open(folder.spool()), Err(SpoolError::Io(_))));
}

/// An entry as the format has it, whatever its value.
pub(super) fn entry(section: u8, key: &[u8], value: &[u8]) -> Vec<u8> {
    let mut body = vec![0, section];
    body.extend_from_slice(&u16::try_from(key.len()).unwrap().to_le_bytes());
    body.extend_from_slice(key);
    body.extend_from_slice(value);
    let mut entry = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
    let crc = crc32fast::hash(&[&entry[..], &body].concat());
    entry.extend_from_slice(&crc.to_le_bytes());
    entry.extend_from_slice(&body);
    entry
}

#[tokio::test]
async fn what_is_whole_but_not_understood_is_counted_and_left_out() {
    let folder = Folder::new();
    {
        let (_spool, store) = open(&folder.spool());
        store.record(&record("A"));
    }
    let mut bytes = std::fs::read(folder.spool()).unwrap();
    for section in 1..=8 {
        bytes.extend(entry(section, b"short", b"{}"));
        bytes.extend(entry(section, &[7; 16], b"[[["));
        bytes.extend(entry(section, &[8; 16], &[0xff; 100]));
        bytes.extend(entry(section, b"", b""));
    }
    std::fs::write(folder.spool(), &bytes).unwrap();
    let (spool, store) = open(&folder.spool());
    assert_eq!((spool.counts().cut, spool.counts().unread), (0, 4));
    assert_eq!(counts(&store), counted([("A", 1)]));
    let alarms = Alarms::builder().new_fingerprints("new", Duration::ZERO).spool(&spool);
    assert!(alarms.build().unwrap().known().is_empty());
    assert_eq!(spool.counts().unread, 8);
    let digester = Digester::builder().spool(&spool).build().unwrap();
    assert_eq!((digester.counts().waiting, spool.counts().unread), (0, 20));
}

#[tokio::test]
async fn two_at_once_are_refused_and_one_after_the_other_are_not() {
    let folder = Folder::new();
    let (spool, store) = open(&folder.spool());
    let error = Spool::open(folder.spool()).unwrap_err();
    assert!(matches!(error, SpoolError::Locked), "{error:?}");
    drop((spool, store));
    assert!(Spool::open(folder.spool()).is_ok());
}

#[tokio::test]
async fn settings_that_make_no_sense_are_refused() {
    let folder = Folder::new();
    for builder in [
        Spool::builder(folder.spool()).every(Duration::ZERO),
        Spool::builder(folder.spool()).max_bytes(1_000),
    ] {
        assert!(matches!(builder.open(), Err(SpoolError::Config(_))));
    }
    assert!(!folder.spool().exists());
}

#[cfg(unix)]
#[tokio::test]
async fn its_owner_alone_can_read_it() {
    use std::os::unix::fs::PermissionsExt;

    let folder = Folder::new();
    let modes = || {
        let files = std::fs::read_dir(&folder.0).unwrap();
        files
            .map(|file| {
                let file = file.unwrap();
                let mode = file.metadata().unwrap().permissions().mode() & 0o777;
                (file.file_name().into_string().unwrap(), mode)
            })
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    {
        let (spool, store) = open(&folder.spool());
        store.record(&record("A"));
        spool.flush().await.unwrap();
    }
    let wanted = [("failures.spool", 0o600), ("failures.spool.lock", 0o600)];
    let wanted: std::collections::BTreeMap<_, _> =
        wanted.into_iter().map(|(name, mode)| (name.to_owned(), mode)).collect();
    assert_eq!(modes(), wanted);
    // One that somebody opened to all is closed again.
    std::fs::set_permissions(folder.spool(), PermissionsExt::from_mode(0o644)).unwrap();
    drop(open(&folder.spool()));
    assert_eq!(modes(), wanted);
}

#[tokio::test]
async fn a_file_that_grows_is_compacted_and_holds_the_same() {
    let folder = Folder::new();
    let long = "lorem ipsum ".repeat(80);
    let repeat = prepare(Draft::new("A", "it broke").value("long", &long));
    {
        let spool = Spool::builder(folder.spool()).durability(Durability::Process).open().unwrap();
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        for _ in 0..2_000 {
            store.record(&repeat);
            spool.flush().await.unwrap();
            let counts = spool.counts();
            assert!(counts.bytes <= (1 << 20) + (16 << 10), "{counts:?}");
        }
        let counts = spool.counts();
        assert!(counts.compactions >= 3 && counts.compactions < 20, "{counts:?}");
        assert_eq!(counts.bytes, std::fs::metadata(folder.spool()).unwrap().len());
    }
    let (_spool, store) = open(&folder.spool());
    assert_eq!(counts(&store), counted([("A", 2_000)]));
}

#[tokio::test]
async fn a_store_that_does_not_fit_is_cut_to_size_and_says_so() {
    let folder = Folder::new();
    let long = "lorem ipsum ".repeat(80);
    let bound = 1 << 20;
    {
        let spool = Spool::builder(folder.spool()).max_bytes(bound).open().unwrap();
        let store = MemoryStore::builder().spool(&spool).build().unwrap();
        for n in 0..1_000 {
            let draft = Draft::new("A", "it broke").value("long", &long);
            store.record(&prepare(draft.fingerprint(n.to_string())));
        }
        for _ in 0..3 {
            spool.flush().await.unwrap();
        }
        let counts = spool.counts();
        assert!(counts.left_out > 0, "{counts:?}");
        // A chunk beyond, as it is compacted after it was written.
        assert!(counts.bytes <= bound + (1 << 20), "{counts:?}");
        assert_eq!(store.totals().held, 1_000);
    }
    let (_spool, store) = open(&folder.spool());
    let held = store.totals().held;
    assert!((100..1_000).contains(&held), "{held}");
}

#[tokio::test]
async fn what_nobody_claims_stays() {
    let folder = Folder::new();
    {
        let (_spool, store) = open(&folder.spool());
        store.record(&record("A"));
    }
    {
        // Opened by a process without a store, and made anew.
        let bytes = std::fs::read(folder.spool()).unwrap();
        std::fs::write(folder.spool(), &bytes).unwrap();
        let spool = Spool::builder(folder.spool()).durability(Durability::Process).open().unwrap();
        spool.flush().await.unwrap();
    }
    let (_spool, store) = open(&folder.spool());
    assert_eq!(counts(&store), counted([("A", 1)]));
}
