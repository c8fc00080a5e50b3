//! Where a release is a commit, nothing says which of two is the newer.

use seawall_capture::store::{Resolution, Seen};
use seawall_capture::{Capture, Draft, Fingerprint, MemoryStore, Record};

fn record(version: &str) -> Record {
    Capture::builder().build().unwrap().prepare(Draft::new("E", "it broke").version(version))
}

fn resolved(version: &str) -> MemoryStore {
    let store = MemoryStore::default();
    store.record(&record("old"));
    assert!(store.resolve(name(), Resolution::in_version(version)));
    store
}

fn name() -> Fingerprint {
    record("").grouping.fingerprint
}

#[test]
fn an_occurrence_in_another_commit_is_no_regression() {
    for other in ["0f3e2d1", "f9e8d7c", "ffffffff", "1234567", "main", "", "99.0.0"] {
        let store = resolved("a1b2c3d");
        assert_eq!(store.record(&record(other)), Seen::Known, "{other}");
    }
    assert_eq!(resolved("a1b2c3d").record(&record("a1b2c3d")), Seen::Regressed);
}

#[test]
fn versions_with_an_order_keep_theirs() {
    for (fixed, version, seen) in [
        ("1.2.10", "1.2.9", Seen::Known),
        ("1.2.10", "1.2.10", Seen::Regressed),
        ("1.2.10", "1.10", Seen::Regressed),
        ("v1.2", "1.2-rc.1", Seen::Known),
        ("1.2", "a1b2c3d", Seen::Known),
    ] {
        assert_eq!(resolved(fixed).record(&record(version)), seen, "{fixed}, {version}");
    }
}

#[test]
fn a_version_has_a_bound_and_is_counted() {
    let store = resolved("1.0");
    let before = store.totals().bytes;
    let mut long = Resolution::NOW;
    long.version = Some("1.".repeat(500_000));
    assert!(store.resolve(name(), long));
    let version = store.group(name()).unwrap().resolved.unwrap().version.unwrap();
    assert!(version.len() <= 256, "{}", version.len());
    assert!((before + 200..before + 300).contains(&store.totals().bytes));
}
