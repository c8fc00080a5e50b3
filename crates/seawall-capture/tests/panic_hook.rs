//! A panic hook that captures, and code of the user's that panics there. In a process of its own,
//! as there is one hook for all threads.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{panic, thread};

use seawall_capture::store::Seen;
use seawall_capture::{Capture, Draft, MemoryStore, Record, Redactor};

static CAPTURE: OnceLock<Capture> = OnceLock::new();
static OBSERVED: AtomicUsize = AtomicUsize::new(0);

/// A panic within a hook aborts the process, so what the hook calls must not panic on its thread.
#[test]
fn an_observer_that_panics_in_a_hook_aborts_nothing() {
    let store = MemoryStore::default();
    let observer = |_: &Record, _: Seen| {
        OBSERVED.fetch_add(1, Ordering::SeqCst);
        panic!("an observer with a bug");
    };
    let redactor = Redactor::default().rule(|text| {
        assert!(!text.contains("bad rule"), "a rule with a bug");
        None
    });
    let builder = Capture::builder().store(store.clone()).redactor(redactor).observer(observer);
    let capture = CAPTURE.get_or_init(|| builder.build().unwrap());
    panic::set_hook(Box::new(|info| {
        if let Some(capture) = CAPTURE.get() {
            capture.record(Draft::new("panic", info.payload_as_str().unwrap_or("?")));
            capture.error(&std::io::Error::other("from the hook, too"));
        }
    }));
    // The panic of the observer is captured by nobody: it came out of a capture.
    capture.record(Draft::new("Plain", "x"));
    assert_eq!(store.totals().recorded, 1);
    assert_eq!((capture.recursions(), capture.panics()), (2, 1));

    assert!(thread::spawn(|| panic!("of a thread, bad rule")).join().is_err());
    let _ = panic::take_hook();
    assert_eq!(store.totals().recorded, 3);
    assert_eq!(OBSERVED.load(Ordering::SeqCst), 3);
    assert_eq!(capture.panics(), 3);
}
