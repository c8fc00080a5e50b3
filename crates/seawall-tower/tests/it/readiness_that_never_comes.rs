//! Waiting for readiness is outside of every timeout of tower's.

use std::time::Duration;

use seawall::{Backoff, Breaker, CircuitState, Pipeline, Retry};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service};

use crate::probe::Probe;

#[tokio::test(start_paused = true)]
async fn the_wait_is_bounded_by_the_attempts_timeout_and_counted() {
    let breaker = Breaker::builder().consecutive_failures(3).build().unwrap();
    let pipeline = Pipeline::builder("probe")
        .retry(Retry::builder().idempotent().max_attempts(3).backoff(Backoff::none()))
        .breaker(breaker.clone())
        .attempt_timeout(Duration::from_secs(1))
        .build()
        .unwrap();
    let probe = Probe::default();
    let log = probe.log();
    log.lock().is_stuck = true;
    let mut service = PipelineLayer::new(pipeline).layer(probe);
    let began = tokio::time::Instant::now();
    let error = service.call("a").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(log.lock().called, 0);
}

#[tokio::test(start_paused = true)]
async fn the_wait_is_bounded_by_the_deadline_where_nothing_else_is() {
    let pipeline = Pipeline::builder("probe").timeout(Duration::MAX).build().unwrap();
    let probe = Probe::default();
    probe.log().lock().is_stuck = true;
    let deadline = seawall::Deadline::after(Duration::from_secs(2));
    let layer = PipelineLayer::new(pipeline).options(move |_: &&str| deadline.attempt());
    let error = layer.layer(probe).call("a").await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(deadline.has_passed());
}
