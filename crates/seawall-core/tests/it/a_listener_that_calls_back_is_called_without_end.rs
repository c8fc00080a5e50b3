//! A listener may use the policy that called it. One that made a call whenever a call was refused
//! was called for the refusal of its own call, and so on until the stack ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use parking_lot::Mutex;
use seawall_core::{Event, EventKind, Listeners, PolicyKind, Reason, Reporter};

fn refusing() -> Reporter {
    Reporter::new("inventory".into(), PolicyKind::Bulkhead, Listeners::default())
}

/// Counts the events that a listener which calls `back` on each of them receives.
fn calling_back(reporter: &Reporter, back: impl Fn() + Send + Sync + 'static) -> Arc<AtomicUsize> {
    let count = Arc::new(AtomicUsize::new(0));
    let received = Arc::clone(&count);
    reporter.listeners().add(move |_: &Event| {
        received.fetch_add(1, Relaxed);
        back();
    });
    count
}

fn refuses(reporter: &Reporter) -> impl Fn() + Send + Sync + 'static {
    let reporter = reporter.clone();
    move || drop(reporter.refuse(Reason::Full))
}

#[test]
fn it_does_not_receive_what_it_causes() {
    let reporter = refusing();
    let count = calling_back(&reporter, refuses(&reporter));
    for refusals in 1..=3 {
        assert_eq!(reporter.refuse(Reason::Full).reason(), Reason::Full);
        assert_eq!(count.load(Relaxed), refusals);
    }
}

#[test]
fn the_other_listeners_receive_it() {
    let reporter = refusing();
    let caller = calling_back(&reporter, refuses(&reporter));
    let quiet = calling_back(&reporter, || {});
    drop(reporter.refuse(Reason::Full));
    assert_eq!((caller.load(Relaxed), quiet.load(Relaxed)), (1, 2));
}

#[test]
fn two_policies_whose_listeners_call_the_other_end() {
    let (one, other) = (refusing(), refusing());
    let of_one = calling_back(&one, refuses(&other));
    let of_other = calling_back(&other, refuses(&one));
    drop(one.refuse(Reason::Full));
    assert_eq!((of_one.load(Relaxed), of_other.load(Relaxed)), (1, 1));
}

#[test]
fn many_listeners_that_call_back_end() {
    let reporter = refusing();
    let counts: Vec<_> = (0..10).map(|_| calling_back(&reporter, refuses(&reporter))).collect();
    drop(reporter.refuse(Reason::Full));
    // Four at a time, each of ten different ones.
    let all: usize = counts.iter().map(|count| count.load(Relaxed)).sum();
    assert_eq!(all, 10 + 10 * 9 + 10 * 9 * 8 + 10 * 9 * 8 * 7);
}

#[test]
fn it_receives_what_another_thread_causes() {
    let reporter = refusing();
    let on_a_thread = refuses(&reporter);
    let on_a_thread = Arc::new(on_a_thread);
    let first = Arc::new(AtomicUsize::new(0));
    let count = calling_back(&reporter, move || {
        if first.fetch_add(1, Relaxed) == 0 {
            let refuse = Arc::clone(&on_a_thread);
            std::thread::spawn(move || refuse()).join().expect("a thread that only refuses");
        }
    });
    drop(reporter.refuse(Reason::Full));
    assert_eq!(count.load(Relaxed), 2);
}

#[test]
fn after_a_panic_it_receives_events_again() {
    let reporter = refusing();
    let count = calling_back(&reporter, || panic!("a listener's own fault"));
    for _ in 0..10 {
        drop(reporter.refuse(Reason::Full));
    }
    assert_eq!(count.load(Relaxed), 10);
}

#[test]
fn an_ordered_event_that_it_causes_waits_until_it_has_returned() {
    let reporter = refusing();
    let order = Arc::new(Mutex::new(Vec::new()));
    let (notes, inner) = (Arc::clone(&order), reporter.clone());
    let queue = |reporter: &Reporter, attempt| {
        reporter.queue(tokio::time::Instant::now(), EventKind::hedged(attempt));
        reporter.deliver();
    };
    reporter.listeners().add(move |event: &Event| {
        let EventKind::Hedged { attempt, .. } = event.kind else {
            unreachable!("nothing else is reported")
        };
        notes.lock().push(("begins", attempt));
        if attempt < 3 {
            queue(&inner, attempt + 1);
        }
        notes.lock().push(("ends", attempt));
    });
    queue(&reporter, 1);
    let expected: Vec<_> =
        (1..=3).flat_map(|attempt| [("begins", attempt), ("ends", attempt)]).collect();
    assert_eq!(*order.lock(), expected);
}
