//! Which listener receives which events, in which order, and what a listener may do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use seawall_core::{
    Cause, CircuitState, Event, EventKind, Listener, Listeners, PolicyKind, Transition,
};
use tokio::time::Instant;

fn event(millis: u64) -> Event {
    let kind = EventKind::slow_call(Duration::from_millis(millis));
    Event::new("inventory".into(), PolicyKind::Breaker, Instant::now(), kind)
}

fn millis(event: &Event) -> u128 {
    match event.kind {
        EventKind::SlowCall { elapsed, .. } => elapsed.as_millis(),
        _ => unreachable!("only slow calls are sent here"),
    }
}

fn noting(listeners: &Listeners) -> Arc<Mutex<Vec<u128>>> {
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    listeners.add(move |event: &Event| notes.lock().push(millis(event)));
    heard
}

#[test]
fn nobody_listens_so_no_event_is_made() {
    let listeners = Listeners::default();
    listeners.emit(|| unreachable!("made for nobody"));
    listeners.queue(|| unreachable!("made for nobody"));
    listeners.deliver();
}

#[test]
fn a_listener_is_told_until_it_is_removed() {
    let listeners = Listeners::default();
    let count = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&count);
    let id = listeners.add(move |_: &Event| {
        counter.fetch_add(1, Ordering::Relaxed);
    });
    listeners.emit(|| event(1));
    assert_eq!(listeners.len(), 1);
    assert!(listeners.remove(id));
    assert!(!listeners.remove(id));
    listeners.emit(|| event(2));
    assert_eq!(count.load(Ordering::Relaxed), 1);
    assert!(listeners.is_empty());
}

#[test]
fn a_panicking_listener_is_counted_and_the_others_are_told() {
    let listeners = Listeners::default();
    listeners.add(|_: &Event| panic!("a listener's own fault"));
    let heard = noting(&listeners);
    listeners.emit(|| event(1));
    listeners.queue(|| event(2));
    listeners.deliver();
    assert_eq!(*heard.lock(), [1, 2]);
    assert_eq!(listeners.panics(), 2);
}

/// Knows what failed, or panics.
struct Knows(Option<Vec<Cause>>);

impl Listener for Knows {
    fn on_event(&self, _: &Event) {}

    fn causes(&self, opening: &Event) -> Vec<Cause> {
        assert_eq!(opening.policy.as_str(), "inventory");
        self.0.clone().expect("a listener's own fault")
    }
}

#[test]
fn all_are_told_of_an_opening_with_what_any_of_them_knows_of_its_causes() {
    let listeners = Listeners::default();
    let heard = Arc::new(Mutex::new(Vec::new()));
    let notes = Arc::clone(&heard);
    // The first hears what only those after it know.
    listeners.add(move |event: &Event| notes.lock().push(event.to_string()));
    let cause = |name: &str, count| Cause::new(name, format!("error {name}"), count);
    listeners.add(Knows(Some(vec![cause("a", 1), cause("b", 7)])));
    listeners.add(Knows(None));
    listeners.add(Knows(Some(vec![cause("c", 2), cause("d", 3)])));
    let tell = |kind: fn(Transition) -> EventKind, from, to, retry| {
        let kind = kind(Transition::new(from, to, 1).retry_in(retry));
        let event = Event::new("inventory".into(), PolicyKind::Breaker, Instant::now(), kind);
        listeners.queue(|| event.clone());
        listeners.deliver();
    };
    let wait = Some(Duration::from_secs(5));
    tell(EventKind::Transition, CircuitState::Closed, CircuitState::Open, wait);
    tell(EventKind::Transition, CircuitState::Open, CircuitState::HalfOpen, None);
    tell(EventKind::Shadowed, CircuitState::Closed, CircuitState::Open, None);
    let expected = [
        "breaker 'inventory': closed → open; failed: 7× error b, 3× error d, 2× error c; retry in 5.000s",
        "breaker 'inventory': open → half-open: the wait is over",
        "breaker 'inventory': would have been closed → open; failed: 7× error b, 3× error d, 2× error c",
    ];
    assert_eq!(*heard.lock(), expected);
    assert_eq!(listeners.panics(), 2);
}

#[test]
fn an_event_that_a_listener_causes_comes_after_the_one_it_was_told_of() {
    let listeners = Listeners::default();
    let inner = listeners.clone();
    listeners.add(move |event: &Event| {
        if millis(event) == 1 {
            inner.queue(|| self::event(2));
            inner.deliver();
        }
    });
    let heard = noting(&listeners);
    listeners.queue(|| event(1));
    listeners.deliver();
    assert_eq!(*heard.lock(), [1, 2]);
}

#[test]
fn a_listener_may_add_and_remove_listeners() {
    let listeners = Listeners::default();
    let inner = listeners.clone();
    listeners.add(move |_: &Event| {
        let id = inner.add(|_: &Event| {});
        assert!(inner.remove(id));
    });
    listeners.emit(|| event(1));
    assert_eq!(listeners.panics(), 0);
}

#[test]
fn what_is_queued_is_delivered_in_order_from_many_threads() {
    let listeners = Listeners::default();
    let heard = noting(&listeners);
    let next = Mutex::new(0_u64);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let mut next = next.lock();
                    *next += 1;
                    listeners.queue(|| event(*next));
                    drop(next);
                    listeners.deliver();
                }
            });
        }
    });
    listeners.deliver();
    let heard = heard.lock();
    assert_eq!(heard.len(), 2000);
    assert!(heard.is_sorted(), "delivered out of order");
}

#[test]
fn the_queue_is_bounded_and_says_what_it_dropped() {
    let listeners = Listeners::default();
    let heard = noting(&listeners);
    for _ in 0..Listeners::MAX_QUEUED + 3 {
        listeners.queue(|| event(1));
    }
    listeners.deliver();
    assert_eq!(heard.lock().len(), Listeners::MAX_QUEUED);
    assert_eq!(listeners.dropped(), 3);
}
