//! A recorder keeps what it hears.

use seawall_core::{CircuitState, Event, Listeners, PolicyKind, Transition, What};
use seawall_testkit::Recorder;
use tokio::time::Instant;

fn tell(listeners: &Listeners, what: What) {
    listeners.emit(|| Event::new("inventory".into(), PolicyKind::Breaker, Instant::now(), what));
}

#[test]
fn a_recorder_keeps_events_in_order_and_picks() {
    let listeners = Listeners::default();
    let recorder = Recorder::default();
    listeners.add(recorder.clone());
    let (closed, open, half) = (CircuitState::Closed, CircuitState::Open, CircuitState::HalfOpen);
    tell(&listeners, What::Transition(Transition::new(closed, open, 1)));
    tell(&listeners, What::LeaseExpired);
    tell(&listeners, What::Transition(Transition::new(open, half, 2)));
    assert_eq!(recorder.path(), ["closed → open", "open → half-open"]);
    assert_eq!(recorder.count(|what| matches!(what, What::LeaseExpired)), 1);
    assert_eq!(recorder.transitions()[1].generation, 2);
    assert_eq!(recorder.take().len(), 3);
    assert!(recorder.events().is_empty());
}
