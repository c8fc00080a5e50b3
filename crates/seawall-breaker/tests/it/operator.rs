//! What the operator orders ends when the operator says so.

use std::time::Duration;

use seawall_breaker::{Breaker, Settlement};
use seawall_core::{Cause, CircuitState, Class, Event, EventKind, Listener, Reason};
use seawall_testkit::Recorder;
use tokio::time::advance;

const WAIT: Duration = Duration::from_millis(100);

fn fragile() -> (Breaker, Recorder) {
    let breaker = Breaker::builder().consecutive_failures(2).open_wait(WAIT).probes(1);
    let breaker = breaker.build().unwrap();
    let recorder = Recorder::default();
    breaker.listeners().add(recorder.clone());
    (breaker, recorder)
}

fn fail(breaker: &Breaker) {
    if let Ok(permit) = breaker.try_acquire() {
        permit.failure(Class::Transient);
    }
}

#[tokio::test(start_paused = true)]
async fn forced_open_refuses_until_released_whatever_was_armed() {
    let (breaker, _) = fragile();
    fail(&breaker);
    fail(&breaker);
    breaker.force_open();
    advance(Duration::from_hours(1)).await;
    let rejection = breaker.try_acquire().unwrap_err();
    assert_eq!(rejection.reason(), Reason::ForcedOpen);
    assert_eq!((rejection.retry_after(), rejection.evidence()), (None, None));
    assert_eq!(breaker.state(), CircuitState::ForcedOpen);
    breaker.release();
    assert_eq!(breaker.state(), CircuitState::Closed);
    breaker.try_acquire().unwrap().success();
}

#[tokio::test(start_paused = true)]
async fn forced_closed_measures_and_does_not_decide() {
    let (breaker, _) = fragile();
    breaker.force_closed();
    for _ in 0..50 {
        fail(&breaker);
    }
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.state, CircuitState::ForcedClosed);
    assert_eq!((snapshot.window.samples, snapshot.window.failures), (50, 50));
    breaker.release();
    assert_eq!(breaker.snapshot().window.samples, 0);
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn shadow_reports_what_it_would_refuse_and_refuses_nothing() {
    let (breaker, recorder) = fragile();
    breaker.shadow();
    fail(&breaker);
    fail(&breaker);
    for _ in 0..3 {
        let permit = breaker.try_acquire().unwrap();
        assert_eq!(permit.failure(Class::Transient), Settlement::Unmeasured);
    }
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::WouldReject(_))), 3);
    assert_eq!(recorder.count(|kind| matches!(kind, EventKind::Rejected(_))), 0);
    advance(WAIT).await;
    assert_eq!(breaker.try_acquire().unwrap().success(), Settlement::Counted);
    let would = recorder.pick(|kind| match kind {
        EventKind::Shadowed(transition) => Some(format!("{} → {}", transition.from, transition.to)),
        _ => None,
    });
    assert_eq!(would, ["closed → open", "open → half-open", "half-open → closed"]);
    assert_eq!(recorder.path(), ["closed → shadow"]);
    assert_eq!(breaker.state(), CircuitState::Shadow);
    let totals = breaker.snapshot().totals;
    assert_eq!((totals.refused, totals.unmeasured), (3, 3));
}

struct Knows;

impl Listener for Knows {
    fn on_event(&self, _: &Event) {}

    fn causes(&self, _: &Event) -> Vec<Cause> {
        vec![Cause::new("f1", "no route", 2)]
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_shadow_would_have_opened_for_is_asked_as_of_an_opening() {
    let (breaker, recorder) = fragile();
    breaker.listeners().add(Knows);
    breaker.shadow();
    fail(&breaker);
    fail(&breaker);
    let causes = recorder.pick(|kind| match kind {
        EventKind::Shadowed(transition) => Some(transition.causes.clone()),
        _ => None,
    });
    assert_eq!(causes, [[Cause::new("f1", "no route", 2)]]);
}

#[tokio::test(start_paused = true)]
async fn each_order_is_one_event_and_an_order_in_force_is_none() {
    let (breaker, recorder) = fragile();
    breaker.release();
    breaker.force_open();
    breaker.force_open();
    breaker.shadow();
    breaker.force_closed();
    breaker.release();
    breaker.reset();
    assert_eq!(
        recorder.path(),
        [
            "closed → forced open",
            "forced open → shadow",
            "shadow → forced closed",
            "forced closed → closed",
            "closed → closed",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn reset_begins_anew_and_makes_calls_in_flight_stale() {
    let (breaker, _) = fragile();
    let old = breaker.try_acquire().unwrap();
    fail(&breaker);
    breaker.reset();
    fail(&breaker);
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(old.failure(Class::Transient), Settlement::Stale);
    fail(&breaker);
    assert_eq!(breaker.state(), CircuitState::Open);
    breaker.reset();
    breaker.try_acquire().unwrap().success();
}
