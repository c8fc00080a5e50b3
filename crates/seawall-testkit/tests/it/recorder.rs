//! A recorder keeps the events it receives.

use seawall_core::{CircuitState, Event, EventKind, Listeners, PolicyKind, Transition};
use seawall_testkit::Recorder;
use tokio::time::Instant;

fn tell(listeners: &Listeners, kind: EventKind) {
    listeners.emit(|| Event::new("inventory".into(), PolicyKind::Breaker, Instant::now(), kind));
}

#[test]
fn a_recorder_keeps_events_in_order_and_picks() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let (closed, open, half) = (CircuitState::Closed, CircuitState::Open, CircuitState::HalfOpen);
    tell(&listeners, EventKind::Transition(Transition::new(closed, open, 1)));
    tell(&listeners, EventKind::LeaseExpired);
    tell(&listeners, EventKind::Transition(Transition::new(open, half, 2)));
    assert_eq!(recorder.path(), ["closed → open", "open → half-open"]);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::LeaseExpired)), 1);
    assert_eq!(recorder.transitions()[1].generation, 2);
    assert_eq!(recorder.take().len(), 3);
    assert!(recorder.events().is_empty());
}

#[test]
fn kinds_are_asserted_in_order_and_removed() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    tell(&listeners, EventKind::LeaseExpired);
    tell(&listeners, EventKind::BudgetExhausted);
    assert_eq!(recorder.kinds(), ["lease_expired", "budget_exhausted"]);
    recorder.assert_kinds(&["lease_expired", "budget_exhausted"]);
    recorder.assert_kinds(&[]);
}

#[test]
#[should_panic(expected = "expected [], but the events are\n  breaker 'inventory': ")]
fn other_kinds_are_listed_line_by_line() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    tell(&listeners, EventKind::LeaseExpired);
    recorder.assert_kinds(&[]);
}
