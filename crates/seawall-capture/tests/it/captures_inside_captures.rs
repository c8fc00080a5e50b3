//! Captures that come out of the capture of another end, wherever they come from.

use std::cell::RefCell;
use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use seawall_capture::store::{DropReason, Seen};
use seawall_capture::{Capture, Digester, Draft, MemoryStore, Record, Redactor};

/// A capture that the code which it calls can get at, as through a logger.
type Global = &'static OnceLock<Capture>;

fn global() -> Global {
    Box::leak(Box::default())
}

fn again(capture: Global) -> Seen {
    match capture.get() {
        Some(capture) => capture.record(Draft::new("Inner", "out of the middle of another")),
        None => Seen::Queued,
    }
}

fn set(global: Global, capture: Capture) -> &'static Capture {
    global.get_or_init(|| capture)
}

#[test]
fn from_an_observer() {
    let (global, store) = (global(), MemoryStore::default());
    let observer = move |_: &Record, _: Seen| {
        assert_eq!(again(global), Seen::Dropped(DropReason::Recursion));
    };
    let builder = Capture::builder().store(store.clone()).observer(observer);
    let capture = set(global, builder.build().unwrap());
    assert_eq!(capture.record(Draft::new("Outer", "x")), Seen::New);
    assert_eq!(capture.error(&std::io::Error::other("x")), Seen::New);
    assert_eq!((capture.recursions(), capture.panics()), (2, 0));
    assert_eq!(store.totals().recorded, 2);
}

#[test]
fn from_a_redaction_rule() {
    let (global, store) = (global(), MemoryStore::default());
    let redactor = Redactor::default().rule(move |_| {
        again(global);
        None
    });
    let builder = Capture::builder().store(store.clone()).redactor(redactor);
    let capture = set(global, builder.build().unwrap());
    capture.record(Draft::new("Outer", "x"));
    assert!(capture.recursions() > 0);
    assert_eq!(store.totals().recorded, 1);
}

#[test]
fn from_the_key_of_a_digester() {
    let (global, store) = (global(), MemoryStore::default());
    let digester =
        Digester::builder().key(move |_| format!("{:?}", again(global))).build().unwrap();
    let builder = Capture::builder().store(store.clone()).observer(digester);
    let capture = set(global, builder.build().unwrap());
    capture.record(Draft::new("Outer", "x"));
    assert_eq!((capture.recursions(), store.totals().recorded), (1, 1));
}

/// A redaction rule that redacts: its own text goes through what is built in alone.
#[test]
fn a_redaction_rule_that_redacts_ends() {
    static REDACTOR: OnceLock<Redactor> = OnceLock::new();
    let redactor = Redactor::default().rule(|text| {
        let mail = REDACTOR.get()?.text("ann@example.org");
        Some(format!("{text}, {mail}"))
    });
    assert_eq!(REDACTOR.get_or_init(|| redactor).text("x"), "x, [e-mail]");
}

#[derive(Debug)]
struct Captures(Global);

impl fmt::Display for Captures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", again(self.0))
    }
}

impl std::error::Error for Captures {}

thread_local! {
    static LAST_WORDS: RefCell<Option<LastWords>> = const { RefCell::new(None) };
}

/// Captures while its thread ends, after the other values of the thread are gone.
struct LastWords(Global, &'static AtomicUsize);

impl Drop for LastWords {
    fn drop(&mut self) {
        let capture = self.0.get().unwrap();
        capture.error(&Captures(self.0));
        capture.record(Draft::new("LastWords", "x"));
        self.1.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn from_a_thread_that_is_ending() {
    let (global, store) = (global(), MemoryStore::default());
    let done: &'static AtomicUsize = Box::leak(Box::default());
    let observer = move |_: &Record, _: Seen| {
        again(global);
    };
    let builder = Capture::builder().store(store.clone()).observer(observer);
    let capture = set(global, builder.build().unwrap());
    thread::spawn(move || {
        // Made first, so that it is dropped last.
        LAST_WORDS.with(|words| *words.borrow_mut() = Some(LastWords(global, done)));
        capture.error(&std::io::Error::other("x"));
    })
    .join()
    .unwrap();
    assert_eq!(done.load(Ordering::SeqCst), 1);
    assert_eq!(store.totals().recorded, 3);
    assert_eq!(capture.recursions(), 4);
}
