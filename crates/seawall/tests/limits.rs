//! Limits and budgets in whole pipelines: what the other layers make of a refusal.

use std::time::Duration;

use seawall::{
    Backoff, Breaker, Budget, Bulkhead, CircuitState, Error, Hedge, Pipeline, RateLimit, Reason,
    Retry,
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
