//! The bytes of a spool: opened by everything that keeps something there, and written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use seawall_capture::{Alarms, Capture, Digester, Draft, MemoryStore, Spool};

/// A header of the version that is known: without it nothing else is read.
const HEADER: [u8; 16] = *b"seawall\n\x01\0\0\0\x12\x58\x08\x7e";

fuzz_target!(|bytes: &[u8]| {
    let Ok(folder) = tempfile::tempdir() else { return };
    let path = folder.path().join("spool");
    let whole = [&HEADER[..], bytes].concat();
    if std::fs::write(&path, whole).is_err() {
        return;
    }
    let Ok(spool) = Spool::open(&path) else { return };
    let store = MemoryStore::builder().spool(&spool).build();
    let digester = Digester::builder().spool(&spool).build();
    let alarms =
        Alarms::builder().new_fingerprints("new", std::time::Duration::ZERO).spool(&spool).build();
    let (Ok(store), Ok(digester), Ok(alarms)) = (store, digester, alarms) else { return };
    let capture = Capture::builder().store(store.clone()).observer(digester).observer(alarms);
    if let Ok(capture) = capture.build() {
        capture.record(Draft::new("E", "x"));
    }
    assert!(store.totals().add_up());
});
