//! A panic in the user's source of chance, which an opening asks, is contained: the call that opened
//! the circuit gets its answer, and the listeners get their events.

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder};
use seawall_core::{Backoff, CircuitState, Jitter, Random};
use seawall_testkit::Recorder;

fn builder(random: Random) -> BreakerBuilder {
    let wait = Backoff::exponential(Duration::from_millis(100)).jitter(Jitter::Equal);
    Breaker::builder().consecutive_failures(1).open_wait(wait).random(random)
}

#[tokio::test(start_paused = true)]
async fn an_opening_is_told_though_no_wait_can_be_drawn() {
    let breaker = builder(Random::from_fn(|| panic!("no more chances"))).build().unwrap();
    let recorder = Recorder::default();
    breaker.listeners().add(recorder.clone());
    let answer = breaker.call(async { Err::<(), _>("down") }).await;
    assert_eq!(answer.unwrap_err().operation(), Some(&"down"));
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(recorder.path(), ["closed → open"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_that_opens_the_circuit_does_not_become_two() {
    let breaker = builder(Random::from_fn(|| panic!("no more chances"))).build().unwrap();
    let call = std::panic::AssertUnwindSafe(|| {
        breaker.call_blocking(|| -> Result<(), ()> { panic!("boom") })
    });
    assert!(std::panic::catch_unwind(call).is_err());
    assert_eq!(breaker.state(), CircuitState::Open);
}
