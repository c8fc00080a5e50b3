//! A call that runs out of time is ended by the layer that notices first, mostly not by the one whose
//! limit it is.

use std::io;
use std::time::Duration;

use seawall::{
    Backoff, Bulkhead, Deadline, Error, Name, Pipeline, Reason, Retry, StopReason, Timeout,
};

const SECOND: Duration = Duration::from_secs(1);

async fn never() -> Result<(), io::Error> {
    std::future::pending().await
}

async fn fails() -> Result<(), io::Error> {
    Err(io::Error::other("broken"))
}

fn request(limit: Duration) -> Timeout {
    Timeout::builder().name("request").limit(limit).build().unwrap()
}

fn retry() -> seawall::retry::RetryBuilder {
    Retry::builder().idempotent().backoff(Backoff::constant(4 * SECOND))
}

fn limit<E>(error: &Error<E>) -> Option<&str> {
    assert!(error.is_timeout());
    error.time_limit().map(Name::as_str)
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_was_cut_off() {
    let stock = Pipeline::builder("stock")
        .layer(request(SECOND))
        .layer(Timeout::builder().limit(5 * SECOND).build().unwrap())
        .build()
        .unwrap();
    let error = stock.call(never).await.unwrap_err();
    assert_eq!(limit(&error), Some("request"));
    assert_eq!(
        error.to_string(),
        "timeout 'timeout': the deadline of 'request' passed after 1.000s, before the limit of 5s"
    );
    // The policy that ended the call is still there, under the same name.
    assert_eq!(error.policy(), Some(&Name::from("timeout")));
}

#[tokio::test(start_paused = true)]
async fn a_retry_gave_up() {
    let stock = Pipeline::builder("stock").layer(request(SECOND)).retry(retry()).build().unwrap();
    let error = stock.call(fails).await.unwrap_err();
    assert_eq!(error.gave_up().unwrap().why, StopReason::Deadline);
    assert_eq!(limit(&error), Some("request"));
    assert!(error.to_string().contains("would start after the deadline of 'request')"), "{error}");
    assert!(error.operation().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_queue_had_no_place() {
    let full = Bulkhead::builder().limit(1).name("places").queue(1, 9 * SECOND).build().unwrap();
    let _place = full.try_acquire().unwrap();
    let stock =
        Pipeline::builder("stock").layer(request(SECOND)).layer(full.clone()).build().unwrap();
    let error = stock.call(fails).await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::DeadlineTooNear);
    assert_eq!(limit(&error), Some("request"));
    assert!(error.to_string().contains("no admission before the deadline of 'request'"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_standard_pipeline_gave_up() {
    let stock = Pipeline::standard("stock").timeout(SECOND).build().unwrap();
    for call in [stock.call(fails).await, stock.call(fails).await] {
        let error = call.unwrap_err();
        if error.is_timeout() {
            assert_eq!(limit(&error), Some("stock"));
        }
    }
    assert_eq!(limit(&stock.call(never).await.unwrap_err()), Some("stock"));
}

#[tokio::test(start_paused = true)]
async fn of_several_limits_it_is_the_earliest() {
    for (outer, inner, name) in [(3, 2, "inner"), (2, 3, "request")] {
        let inner = Timeout::builder().name("inner").limit(inner * SECOND).build().unwrap();
        let stock = Pipeline::builder("stock")
            .layer(request(outer * SECOND))
            .layer(inner)
            .retry(retry())
            .build()
            .unwrap();
        assert_eq!(limit(&stock.call(fails).await.unwrap_err()), Some(name));
        assert_eq!(limit(&stock.call(never).await.unwrap_err()), Some(name));
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_has_a_limit_of_its_own() {
    for (own, name) in [(2, "again"), (9, "request")] {
        let stock = Pipeline::builder("stock")
            .layer(request(3 * SECOND))
            .retry(retry().name("again").deadline(own * SECOND))
            .build()
            .unwrap();
        assert_eq!(limit(&stock.call(fails).await.unwrap_err()), Some(name));
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_that_came_with_the_call_has_no_name() {
    let stock =
        Pipeline::builder("stock").layer(request(3 * SECOND)).retry(retry()).build().unwrap();
    let call = || stock.call(fails).deadline(Deadline::after(SECOND));
    assert_eq!(limit(&call().await.unwrap_err()), None);
    let call = || stock.call(never).deadline(Deadline::after(SECOND));
    assert_eq!(limit(&call().await.unwrap_err()), None);
}
