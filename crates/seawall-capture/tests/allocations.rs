//! What repeats is recorded without allocating.
//!
//! A file of its own: the counter counts the whole process.

use std::time::Duration;

use seawall_capture::{Capture, MemoryStore, Spool};
use seawall_core::{Class, Error, GaveUp, Name, PolicyKind, StopReason};
use seawall_testkit::{CountingAllocator, INSTRUMENTED_SYSTEM, allocations};

#[global_allocator]
static ALLOCATOR: CountingAllocator = &INSTRUMENTED_SYSTEM;

#[test]
fn a_repeat_of_a_known_group_allocates_nothing() {
    let store = MemoryStore::default();
    let capture = Capture::builder().without_backtraces().store(store.clone()).build().unwrap();
    let plain = "12x".parse::<u32>().unwrap_err();
    assert_eq!(allocations(|| _ = capture.error(&plain)), 0);
    let caused = std::io::Error::other(std::io::Error::other(plain.clone()));
    assert_eq!(allocations(|| _ = capture.error(&caused)), 0);
    let last = Error::operation_failed(plain, Class::Transient);
    let elapsed = Duration::from_secs(1);
    let gave_up =
        GaveUp::new(Name::from("db"), PolicyKind::Retry, StopReason::Attempts, 3, elapsed, last);
    let error = Error::from(gave_up);
    assert_eq!(allocations(|| _ = capture.failure(&error)), 0);
    assert_eq!(store.totals().recorded, 3_300);
    // Nor where it is written down later.
    let folder = std::env::temp_dir().join(format!("seawall-allocations-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let spool = Spool::builder(folder.join("spool")).every(Duration::from_hours(1)).open().unwrap();
    let store = MemoryStore::builder().spool(&spool).build().unwrap();
    let capture = Capture::builder().without_backtraces().store(store).build().unwrap();
    assert_eq!(allocations(|| _ = capture.error(&caused)), 0);
    drop((capture, spool));
    std::fs::remove_dir_all(&folder).unwrap();
}
