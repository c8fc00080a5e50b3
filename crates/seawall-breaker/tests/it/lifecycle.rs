//! From closed to open to half-open and back.
#![expect(clippy::unchecked_time_subtraction, reason = "the numbers are in sight")]

use std::time::Duration;

use seawall_breaker::{Breaker, Settlement};
use seawall_core::{CircuitState, Class, Error, Reason, Rule};
use seawall_testkit::{Recorder, Script, Step};
use tokio::time::advance;

const WAIT: Duration = Duration::from_millis(100);

fn fragile() -> Breaker {
    Breaker::builder()
        .name("fragile")
        .consecutive_failures(3)
        .open_wait(WAIT)
        .probes(2)
        .build()
        .unwrap()
}

async fn fail(breaker: &Breaker) -> Result<u32, Error<&'static str>> {
    breaker.call(async { Err("down") }).await
}

async fn succeed(breaker: &Breaker) -> Result<u32, Error<&'static str>> {
    breaker.call(async { Ok(1) }).await
}

#[tokio::test(start_paused = true)]
async fn a_circuit_opens_refuses_probes_and_closes() {
    let breaker = fragile();
    let recorder = Recorder::default();
    breaker.listeners().add(recorder.clone());
    for _ in 0..3 {
        assert_eq!(fail(&breaker).await.unwrap_err().operation(), Some(&"down"));
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    advance(WAIT - Duration::from_millis(1)).await;
    let refused = succeed(&breaker).await.unwrap_err();
    let rejection = refused.rejection().unwrap();
    assert_eq!(rejection.reason(), Reason::Open);
    assert_eq!(rejection.policy().as_str(), "fragile");
    assert_eq!(rejection.retry_after(), Some(Duration::from_millis(1)));
    assert_eq!(rejection.since(), Some(WAIT - Duration::from_millis(1)));
    let evidence = rejection.evidence().unwrap();
    assert_eq!(evidence.rule, Rule::ConsecutiveFailures);
    assert_eq!((evidence.observed, evidence.limit, evidence.samples), (3.0, 3.0, 3));
    advance(Duration::from_millis(1)).await;
    assert_eq!(succeed(&breaker).await.unwrap(), 1);
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    assert_eq!(succeed(&breaker).await.unwrap(), 1);
    assert_eq!(breaker.state(), CircuitState::Closed);
    assert_eq!(recorder.path(), ["closed → open", "open → half-open", "half-open → closed"],);
}

#[tokio::test(start_paused = true)]
async fn a_failed_probe_reopens_as_soon_as_enough_successes_are_out_of_reach() {
    let breaker = fragile();
    for _ in 0..3 {
        let _ = fail(&breaker).await;
    }
    advance(WAIT).await;
    let (one, two) = (breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap());
    assert_eq!(breaker.try_acquire().unwrap_err().reason(), Reason::ProbesInFlight);
    assert_eq!(one.failure(Class::Transient), Settlement::Counted);
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(two.success(), Settlement::Stale);
    assert_eq!(breaker.state(), CircuitState::Open);
    let evidence = breaker.snapshot().evidence.unwrap();
    assert_eq!(evidence.rule, Rule::ProbeFailures);
}

#[tokio::test(start_paused = true)]
async fn a_refused_call_does_not_poll_its_future() {
    let breaker = fragile();
    for _ in 0..3 {
        let _ = fail(&breaker).await;
    }
    let script = Script::new([Step::<u32, &str>::ok(1)]);
    assert!(breaker.call(script.run()).await.is_err());
    assert_eq!(script.finished(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_default_breaker_opens_on_a_hard_failure_and_is_back_soon() {
    let breaker = Breaker::builder().build().unwrap();
    for _ in 0..20 {
        assert_eq!(breaker.state(), CircuitState::Closed);
        let _ = fail(&breaker).await;
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    for _ in 0..600 {
        advance(Duration::from_millis(5)).await;
        let _ = fail(&breaker).await;
    }
    assert_ne!(breaker.state(), CircuitState::Closed);
    let mut late = 0;
    while breaker.state() != CircuitState::Closed {
        advance(Duration::from_millis(5)).await;
        late += 5;
        let _ = succeed(&breaker).await;
    }
    assert!(late <= 515, "{late} ms");
}
