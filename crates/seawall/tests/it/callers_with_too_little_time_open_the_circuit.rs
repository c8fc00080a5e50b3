//! Twenty callers that left 5 ms to a dependency that always takes 20 opened the circuit for everybody.

use std::future::pending;
use std::time::Duration;

use seawall::breaker::BreakerBuilder;
use seawall::{CircuitState, Pipeline, StandardPipeline};
use tokio::time::{Instant, advance, sleep};

const USUAL: Duration = Duration::from_millis(20);
const TOO_LITTLE: Duration = Duration::from_millis(5);
const ENOUGH: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);

fn with_breaker(change: fn(BreakerBuilder) -> BreakerBuilder) -> StandardPipeline {
    let pipeline = Pipeline::standard("stock").without_congestion_control().breaker(change);
    pipeline.attempt_timeout(3 * SECOND).build().unwrap()
}

fn pipeline() -> StandardPipeline {
    with_breaker(BreakerBuilder::without_failure_rate)
}

/// One call with `patience` to a dependency that answers after `takes`, or never.
async fn call(pipeline: &StandardPipeline, takes: Option<Duration>, patience: Duration) -> bool {
    let answer = || async move {
        match takes {
            Some(takes) => sleep(takes).await,
            None => pending().await,
        }
        Ok::<_, std::io::Error>(())
    };
    pipeline.call(answer).deadline(Instant::now() + patience).await.is_ok()
}

fn state(pipeline: &StandardPipeline) -> CircuitState {
    pipeline.breaker().unwrap().state()
}

#[tokio::test(start_paused = true)]
async fn impatient_callers_open_nothing() {
    for successes_before in [0, 1, 500] {
        let pipeline = pipeline();
        for _ in 0..successes_before {
            assert!(call(&pipeline, Some(USUAL), ENOUGH).await);
        }
        for _ in 0..20 {
            assert!(!call(&pipeline, Some(USUAL), TOO_LITTLE).await);
        }
        assert_eq!(state(&pipeline), CircuitState::Closed, "after {successes_before}");
        assert!(call(&pipeline, Some(USUAL), ENOUGH).await);
    }
}

#[tokio::test(start_paused = true)]
async fn impatient_callers_open_nothing_as_long_as_others_are_answered() {
    let pipeline = pipeline();
    for _ in 0..100 {
        for _ in 0..40 {
            assert!(!call(&pipeline, Some(USUAL), TOO_LITTLE).await);
        }
        assert!(call(&pipeline, Some(USUAL), ENOUGH).await);
    }
    let totals = pipeline.breaker().unwrap().snapshot().totals;
    assert_eq!((totals.failures, totals.ignored), (0, 4_000));
}

#[tokio::test(start_paused = true)]
async fn a_dependency_that_hangs_behind_impatient_callers_opens_it() {
    let pipeline = pipeline();
    for _ in 0..500 {
        assert!(call(&pipeline, Some(USUAL), ENOUGH).await);
    }
    let start = Instant::now();
    while state(&pipeline) == CircuitState::Closed {
        assert!(!call(&pipeline, None, TOO_LITTLE).await);
        assert!(start.elapsed() < SECOND + 25 * TOO_LITTLE, "it never opens");
    }
    assert!(start.elapsed() >= SECOND);
}

#[tokio::test(start_paused = true)]
async fn callers_with_enough_time_open_it_at_once() {
    let pipeline = pipeline();
    assert!(!call(&pipeline, Some(USUAL), TOO_LITTLE).await);
    for _ in 0..10 {
        assert!(call(&pipeline, Some(USUAL), ENOUGH).await);
    }
    for _ in 0..20 {
        assert!(!call(&pipeline, None, ENOUGH).await);
    }
    assert_eq!(state(&pipeline), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn callers_that_wait_for_a_second_open_it_though_nothing_was_timed() {
    let pipeline = pipeline();
    for _ in 0..20 {
        assert!(!call(&pipeline, None, SECOND).await);
    }
    assert_eq!(state(&pipeline), CircuitState::Open);
}

/// Half of the calls hang and half are answered at once: their callers had enough time.
#[tokio::test(start_paused = true)]
async fn a_dependency_that_hangs_for_some_calls_fails_them() {
    let pipeline = with_breaker(|breaker| breaker.failure_rate(0.5));
    for _ in 0..200 {
        call(&pipeline, Some(Duration::from_millis(1)), TOO_LITTLE).await;
        call(&pipeline, None, TOO_LITTLE).await;
    }
    assert_eq!(state(&pipeline), CircuitState::Open);
}

/// A probe whose caller had too little time gives its slot to the next.
#[tokio::test(start_paused = true)]
async fn an_impatient_probe_decides_nothing() {
    let pipeline = pipeline();
    for _ in 0..20 {
        assert!(!call(&pipeline, None, SECOND).await);
    }
    advance(SECOND).await;
    assert!(!call(&pipeline, Some(USUAL), TOO_LITTLE).await);
    assert_eq!(state(&pipeline), CircuitState::HalfOpen);
    for _ in 0..2 {
        assert!(call(&pipeline, Some(USUAL), ENOUGH).await);
    }
    assert_eq!(state(&pipeline), CircuitState::Closed);
}
