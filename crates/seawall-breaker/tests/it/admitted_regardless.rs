//! Calls that are admitted in spite of the circuit: they are counted, and decide nothing.

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, Settlement};
use seawall_core::{CircuitState, Class};

const SECOND: Duration = Duration::from_secs(1);

fn fragile() -> BreakerBuilder {
    Breaker::builder().consecutive_failures(1).open_wait(SECOND).probes(1).tally()
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_counts_them_and_stays_open() {
    let breaker = fragile().build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    for _ in 0..100 {
        assert_eq!(breaker.acquire_regardless().success(), Settlement::Counted);
        assert_eq!(
            breaker.acquire_regardless_owned().failure(Class::Transient),
            Settlement::Counted
        );
    }
    let snapshot = breaker.snapshot();
    assert_eq!((snapshot.state, snapshot.totals.openings), (CircuitState::Open, 1));
    assert_eq!((snapshot.totals.successes, snapshot.totals.failures), (Some(100), 101));
    assert_eq!((snapshot.totals.refused, snapshot.in_flight), (0, Some(0)));
    assert_eq!(snapshot.retry_after, Some(SECOND), "its wait is as long as before");
}

#[tokio::test(start_paused = true)]
async fn the_first_after_the_wait_is_the_probe_and_the_others_are_not() {
    let breaker = fragile().build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    tokio::time::advance(SECOND).await;
    let probe = breaker.acquire_regardless();
    let other = breaker.acquire_regardless();
    assert!(probe.is_probe() && !other.is_probe());
    assert_eq!(other.failure(Class::Transient), Settlement::Counted);
    assert_eq!(breaker.state(), CircuitState::HalfOpen, "it decides nothing");
    drop(breaker.acquire_regardless());
    assert_eq!(breaker.snapshot().probes_in_flight, 1);
    assert_eq!(probe.success(), Settlement::Counted);
    assert_eq!(breaker.state(), CircuitState::Closed);
}

#[test]
fn an_operators_hold_admits_them_too() {
    let breaker = fragile().build().unwrap();
    breaker.force_open();
    assert_eq!(breaker.acquire_regardless().success(), Settlement::Counted);
    assert_eq!(breaker.state(), CircuitState::ForcedOpen);
}

#[test]
fn under_a_closed_circuit_they_are_calls_like_any_other() {
    let breaker = fragile().build().unwrap();
    breaker.acquire_regardless().failure(Class::Transient);
    assert_eq!(breaker.state(), CircuitState::Open);
}
