//! From inside a listener a user may do anything.
#![expect(clippy::unchecked_time_subtraction, reason = "the numbers are in sight")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use seawall_breaker::{Breaker, KeyedBreaker};
use seawall_core::{Class, Event, EventKind, Layer, LayerContext, Listeners};
use seawall_testkit::Recorder;
use tokio::time::advance;

fn fragile() -> Breaker {
    let wait = Duration::from_millis(100);
    Breaker::builder().consecutive_failures(1).open_wait(wait).probes(1).build().unwrap()
}

fn fail(breaker: &Breaker) {
    if let Ok(permit) = breaker.try_acquire() {
        permit.failure(Class::Transient);
    }
}

#[tokio::test(start_paused = true)]
async fn a_listener_may_read_call_force_add_remove_and_panic() {
    let breaker = fragile();
    let heard = Arc::new(AtomicUsize::new(0));
    let own = breaker.clone();
    let count = Arc::clone(&heard);
    breaker.listeners().add(move |event: &Event| {
        count.fetch_add(1, Ordering::SeqCst);
        let _ = (own.state(), own.snapshot());
        let _ = own.try_acquire().map(|permit| permit.failure(Class::Transient));
        let id = own.listeners().add(|_: &Event| {});
        assert!(own.listeners().remove(id));
        if let EventKind::Transition(transition) = &event.kind
            && transition.generation == 1
        {
            own.force_open();
            own.release();
        }
        panic!("a listener's own business");
    });
    let recorder = Recorder::default();
    breaker.listeners().add(recorder.clone());
    fail(&breaker);
    advance(Duration::from_secs(1)).await;
    fail(&breaker);
    assert!(heard.load(Ordering::SeqCst) > 0);
    assert!(breaker.listeners().panics() > 0);
    let transitions = recorder.transitions();
    assert!(transitions.len() >= 3);
    assert!(transitions.windows(2).all(|pair| pair[0].to == pair[1].from), "{transitions:?}");
}

#[tokio::test(start_paused = true)]
async fn listeners_given_to_the_builder_hear_a_breaker_and_all_of_a_set() {
    let (listeners, recorder) = (Listeners::default(), Recorder::default());
    listeners.add(recorder.clone());
    let builder = Breaker::builder().consecutive_failures(1).listeners(&listeners);
    fail(&builder.clone().build().unwrap());
    assert_eq!(recorder.path(), ["closed → open"]);
    fail(&KeyedBreaker::new(builder.clone(), 8).unwrap().get("db-1"));
    assert_eq!(recorder.path().len(), 2);
    // A pipeline's own do not take their place.
    fail(&builder.into_policy(&LayerContext::new("inventory")).unwrap());
    assert_eq!(recorder.path().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn refusals_and_slow_calls_are_told() {
    let after = Duration::from_secs(1);
    let breaker = Breaker::builder().slow_call_rate(1.0, after).build().unwrap();
    let recorder = Recorder::default();
    breaker.listeners().add(recorder.clone());
    let calls = [after - Duration::from_nanos(1), after];
    for took in calls {
        let permit = breaker.try_acquire().unwrap();
        advance(took).await;
        permit.success();
    }
    let slow = recorder.pick(|kind| match kind {
        EventKind::SlowCall { elapsed, .. } => Some(*elapsed),
        _ => None,
    });
    assert_eq!(slow, [after]);
    breaker.force_open();
    assert!(breaker.try_acquire().is_err());
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Rejected(_))), 1);
}
