//! A transition is reported exactly once, however many outcomes become stale while a listener is slow:
//! events that need no order are not in the queue of those that do.

use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::thread;

use seawall_breaker::{Breaker, Settlement};
use seawall_core::{Event, EventKind, Listeners};
use seawall_testkit::Recorder;

#[test]
fn transitions_are_reported_whatever_becomes_stale() {
    let breaker = Breaker::builder().build().unwrap();
    let (reported, is_reported) = channel();
    let (go_on, may_go_on) = channel();
    let may_go_on = Mutex::new(may_go_on);
    let recorder = Recorder::default();
    breaker.listeners().add(move |event: &Event| {
        if let EventKind::Transition(_) = event.kind {
            reported.send(()).unwrap();
            may_go_on.lock().unwrap().recv().unwrap();
        }
    });
    breaker.listeners().add(recorder.clone());
    let calls: Vec<_> =
        (0..=Listeners::MAX_QUEUED).map(|_| breaker.try_acquire_owned().unwrap()).collect();
    let count = calls.len();
    let breaker = Arc::new(breaker);
    let opener = thread::spawn({
        let breaker = Arc::clone(&breaker);
        move || breaker.force_open()
    });
    is_reported.recv().unwrap();
    // While the listener is at it, calls of before the transition end, and there is another.
    for call in calls {
        assert_eq!(call.success(), Settlement::Stale);
    }
    breaker.reset();
    (0..2).for_each(|_| go_on.send(()).unwrap());
    opener.join().unwrap();
    assert_eq!(recorder.path(), ["closed → forced open", "forced open → closed"]);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Stale { .. })), count);
    assert_eq!(breaker.listeners().dropped(), 0);
}
