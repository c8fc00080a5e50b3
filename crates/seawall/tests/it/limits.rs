//! Limits and budgets in whole pipelines: what the other layers make of a refusal.

use std::sync::Arc;
use std::time::Duration;

use seawall::{
    AdaptiveLimit, Backoff, Breaker, Budget, Bulkhead, CircuitState, Class, Error, Hedge, Pipeline,
    PolicyKind, RateLimit, Reason, Retry, Throttle,
};
use seawall_testkit::{Script, Step};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_refusal_is_neither_repeated_nor_held_against_the_dependency() {
    let breaker = Breaker::builder().consecutive_failures(1).build().unwrap();
    let pipeline = Pipeline::builder("inventory")
        .retry(Retry::builder().idempotent().backoff(Backoff::none()))
        .breaker(breaker.clone())
        .bulkhead(1)
        .build()
        .unwrap();
    let operation = Script::<_, ()>::new([Step::after(SECOND, Ok(7))]);
    let (first, second) =
        tokio::join!(pipeline.call(|| operation.run()), pipeline.call(|| operation.run()));
    assert_eq!(first.unwrap(), 7);
    let error = second.unwrap_err();
    assert!(matches!(error, Error::Rejected(_)), "wrapped or repeated: {error:?}");
    assert_eq!(error.rejection().unwrap().reason(), Reason::Full);
    assert_eq!(operation.started(), 1);
    assert_eq!(breaker.state(), CircuitState::Closed);
}

/// Puts `$limit` inside a retry that would repeat and a breaker that would open on the first
/// failure, keeps one call in flight and makes others until one is refused: gives that refusal.
macro_rules! refused_by {
    ($limit:expr) => {{
        let breaker = Breaker::builder().consecutive_failures(1).build().unwrap();
        let pipeline = Pipeline::builder("inventory")
            .retry(Retry::builder().idempotent().backoff(Backoff::none()))
            .breaker(breaker.clone())
            .layer($limit)
            .build()
            .unwrap();
        let operation = Script::<_, ()>::new([Step::after(SECOND, Ok(7)), Step::ok(7)]);
        let until_refused = async {
            for _ in 0..1_000 {
                let before = operation.started();
                let Err(error) = pipeline.call(|| operation.run()).await else { continue };
                assert_eq!(operation.started(), before, "started all the same");
                return error;
            }
            panic!("a thousand calls, and none was refused");
        };
        let (_, error) = tokio::join!(pipeline.call(|| operation.run()), until_refused);
        assert_eq!(breaker.state(), CircuitState::Closed);
        assert_eq!(breaker.snapshot().totals.failures, 0);
        assert_eq!(error.class(), Class::Ignored);
        let Error::Rejected(rejection) = error else { panic!("wrapped: {error:?}") };
        assert!(rejection.evidence().is_some(), "says why: {rejection}");
        rejection
    }};
}

#[tokio::test(start_paused = true)]
async fn the_refusal_of_any_limit_is_neither_repeated_nor_held_against_the_dependency() {
    let full = refused_by!(Bulkhead::builder().limit(1));
    assert_eq!((full.kind(), full.reason()), (PolicyKind::Bulkhead, Reason::Full));

    let full = refused_by!(AdaptiveLimit::builder().min(1).initial(1).max(1));
    assert_eq!((full.kind(), full.reason()), (PolicyKind::AdaptiveLimit, Reason::Full));

    let used_up = refused_by!(RateLimit::builder().rate(1, SECOND).burst(1));
    assert_eq!((used_up.kind(), used_up.reason()), (PolicyKind::RateLimit, Reason::RateLimited));
    assert_eq!(used_up.retry_after(), Some(SECOND));

    let throttle = Throttle::builder().build().unwrap();
    for _ in 0..100 {
        let _ = throttle.call(async { Err::<(), _>("overloaded") }).await;
    }
    let shed = refused_by!(throttle);
    assert_eq!((shed.kind(), shed.reason()), (PolicyKind::Throttle, Reason::Shed));
}

#[tokio::test(start_paused = true)]
async fn each_limit_has_a_word_of_its_own_in_the_builder() {
    let pipeline = Pipeline::builder("inventory")
        .throttle(Throttle::builder())
        .rate_limit(RateLimit::builder().per_second(10))
        .bulkhead(10)
        .adaptive_limit(AdaptiveLimit::builder())
        .build()
        .unwrap();
    let kinds: Vec<_> = pipeline.describe().layers().iter().map(|layer| layer.kind).collect();
    let expected = [
        PolicyKind::Throttle,
        PolicyKind::RateLimit,
        PolicyKind::Bulkhead,
        PolicyKind::AdaptiveLimit,
    ];
    assert_eq!(kinds, expected);
    assert_eq!(pipeline.call(|| async { Ok::<_, ()>(7) }).await.unwrap(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_standard_pipeline_lets_a_burst_wait_in_a_queue_of_its_own() {
    let pipeline = Arc::new(Pipeline::standard("inventory").idempotent().build().unwrap());
    let operation = Arc::new(Script::<_, ()>::new([Step::after(SECOND, Ok(7))]));
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..50 {
        let (pipeline, operation) = (Arc::clone(&pipeline), Arc::clone(&operation));
        calls.spawn(async move { pipeline.call(|| operation.run()).await.is_ok() });
    }
    tokio::time::sleep(SECOND / 2).await;
    let state = || pipeline.congestion_control().unwrap().snapshot();
    assert_eq!((state().in_flight, state().waiting), (20, 30));
    assert!(calls.join_all().await.into_iter().all(|answered| answered));
    assert_eq!((state().in_flight, state().refused, operation.started()), (0, 0, 50));
}

#[tokio::test(start_paused = true)]
async fn a_rate_limit_is_waited_for_where_the_retry_is_told_to() {
    let pipeline = Pipeline::builder("inventory")
        .retry(Retry::builder().backoff(Backoff::none()).wait_for_rejections())
        .rate_limit(RateLimit::builder().rate(1, SECOND).burst(1))
        .build()
        .unwrap();
    let operation = Script::<_, ()>::new([Step::ok(7)]);
    pipeline.call(|| operation.run()).await.unwrap();
    let began = tokio::time::Instant::now();
    pipeline.call(|| operation.run()).await.unwrap();
    assert!(began.elapsed() >= SECOND, "came back after {:?}", began.elapsed());
    assert_eq!(operation.started(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_shared_bulkhead_bounds_what_two_pipelines_have_in_flight() {
    let bulkhead = Bulkhead::builder().limit(1).name("warehouse").build().unwrap();
    let pipeline = |name: &str| Pipeline::builder(name).layer(bulkhead.clone()).build().unwrap();
    let (reads, writes) = (pipeline("reads"), pipeline("writes"));
    let operation = Script::<_, ()>::new([Step::after(SECOND, Ok(7))]);
    let (read, write) =
        tokio::join!(reads.call(|| operation.run()), writes.call(|| operation.run()));
    assert!(read.is_ok());
    assert_eq!(write.unwrap_err().rejection().unwrap().policy().as_str(), "warehouse");
}

#[tokio::test(start_paused = true)]
async fn one_budget_bounds_the_retries_of_two_pipelines() {
    let budget = Budget::builder().reserve(10.0).deposit(0.1).build().unwrap();
    let pipeline = |name: &str| {
        let retry = Retry::builder().idempotent().backoff(Backoff::none()).budget(&budget);
        Pipeline::builder(name).retry(retry).build().unwrap()
    };
    let (reads, writes) = (pipeline("reads"), pipeline("writes"));
    let operation = Script::<(), _>::new([Step::err("down")]);
    for _ in 0..500 {
        reads.call(|| operation.run()).await.unwrap_err();
        writes.call(|| operation.run()).await.unwrap_err();
    }
    let started = operation.started();
    assert!((1001..=1110).contains(&started), "{started} attempts for 1,000 calls");
}

#[tokio::test(start_paused = true)]
async fn a_hedge_answers_for_an_attempt_that_hangs() {
    let pipeline = Pipeline::builder("inventory")
        .timeout(10 * SECOND)
        .hedge(Hedge::builder().delay(SECOND))
        .breaker(Breaker::builder())
        .build()
        .unwrap();
    let operation = Script::<_, ()>::new([Step::never(), Step::ok(7)]);
    let began = tokio::time::Instant::now();
    assert_eq!(pipeline.call(|| operation.run()).await.unwrap(), 7);
    assert_eq!(began.elapsed(), SECOND);
    assert_eq!((operation.started(), operation.running()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn attempts_that_are_cut_off_are_failures_to_congestion_control() {
    let pipeline = Pipeline::standard("inventory").timeout(SECOND).attempt_timeout(SECOND / 10);
    let pipeline = pipeline.idempotent().build().unwrap();
    let quick = Script::<_, ()>::new([Step::after(SECOND / 100, Ok(7))]);
    for _ in 0..100 {
        pipeline.call(|| quick.run()).await.unwrap();
    }
    let hangs = Script::<u32, ()>::new([Step::never()]);
    for _ in 0..10 {
        pipeline.call(|| hangs.run()).await.unwrap_err();
    }
    let state = pipeline.congestion_control().unwrap().snapshot();
    assert!(state.down, "{state:?}");
}
