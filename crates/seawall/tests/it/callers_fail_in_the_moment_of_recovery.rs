//! A half-open circuit and a ramp refused without saying when to come back, so that a retry that
//! waits for rejections failed exactly when the dependency was back.

use std::time::Duration;

use seawall::breaker::{BreakerBuilder, Ramp};
use seawall::{Breaker, CircuitState, Class, Error, Pipeline, Reason, Retry};
use tokio::task::JoinSet;
use tokio::time::sleep;

const MILLI: Duration = Duration::from_millis(1);

/// How many of `callers` that come when the open wait ends are answered.
async fn answered(breaker: BreakerBuilder, callers: usize) -> usize {
    let breaker = breaker.consecutive_failures(1).open_wait(100 * MILLI).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    assert_eq!(breaker.state(), CircuitState::Open);
    let retry = Retry::builder().idempotent().max_attempts(4).wait_for_rejections();
    let pipeline = Pipeline::builder("stock").retry(retry).breaker(breaker).build().unwrap();
    let mut calls = JoinSet::new();
    for _ in 0..callers {
        let pipeline = pipeline.clone();
        calls.spawn(async move { pipeline.call(work).await });
    }
    calls.join_all().await.iter().filter(|outcome| outcome.is_ok()).count()
}

async fn work() -> std::io::Result<()> {
    sleep(20 * MILLI).await;
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_half_open_circuit_says_when_to_come_back() {
    for lease in [None, Some(Duration::from_secs(30))] {
        let breaker = Breaker::builder().probes(1).probe_successes(1);
        let breaker = lease.map_or(breaker.clone(), |lease| breaker.lease(lease));
        assert_eq!(answered(breaker, 3).await, 3, "with a lease of {lease:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_ramp_says_when_its_stage_ends() {
    let breaker = Breaker::builder().probes(1).probe_successes(1);
    assert_eq!(answered(breaker.ramp(Ramp::new([0.5], 200 * MILLI)), 8).await, 8);
}

#[tokio::test(start_paused = true)]
async fn what_a_refusal_says() {
    let ramp = Ramp::new([0.01, 1.0], 250 * MILLI);
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(100 * MILLI);
    let breaker = breaker.probes(1).probe_successes(1).ramp(ramp).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    sleep(100 * MILLI).await;
    let probe = breaker.try_acquire().unwrap();
    sleep(30 * MILLI).await;
    let refusal = breaker.try_acquire().unwrap_err();
    assert_eq!(
        (refusal.reason(), refusal.retry_after()),
        (Reason::ProbesInFlight, Some(70 * MILLI))
    );
    probe.success();
    breaker.try_acquire().unwrap().success();
    sleep(50 * MILLI).await;
    let refusal = breaker.try_acquire().unwrap_err();
    assert_eq!((refusal.reason(), refusal.retry_after()), (Reason::Ramping, Some(200 * MILLI)));
    breaker.force_open();
    let refused: Result<(), Error<()>> = breaker.call(async { Ok(()) }).await;
    let Err(Error::Rejected(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!((refusal.reason(), refusal.retry_after()), (Reason::ForcedOpen, None));
}
