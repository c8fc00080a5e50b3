//! An `Ok` that is a failure opens the circuit, and the attempt after it is refused. The caller would get
//! "open", though there is an answer of the server: a refused attempt brings nothing better.

use std::time::Duration;

use seawall::{
    Backoff, Breaker, ByOutcome, Class, Error, EventKind, Hedge, Listeners, Pipeline, Retry,
    StopReason,
};
use seawall_testkit::Recorder;

fn class_of(outcome: Result<&u16, &&str>) -> Class {
    match outcome {
        Ok(500..) | Err(_) => Class::Transient,
        Ok(_) => Class::Success,
    }
}

fn breaker() -> Breaker {
    Breaker::builder().consecutive_failures(1).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn of_a_retry_the_answer_comes_back() {
    // What a retry keeps between attempts differs in these.
    for (delay, history, heard) in [
        (Duration::ZERO, 0, false),
        (Duration::ZERO, 0, true),
        (Duration::ZERO, 3, false),
        (Duration::from_secs(1), 0, false),
        (Duration::from_secs(1), 3, true),
    ] {
        let recorder = Recorder::default();
        let listeners = Listeners::default();
        if heard {
            listeners.add(recorder.clone());
        }
        let retry = Retry::builder().idempotent().backoff(Backoff::constant(delay));
        let retry = retry.history(history).listeners(&listeners).without_budget();
        let pipeline = Pipeline::builder("inventory")
            .retry(retry.build().unwrap())
            .breaker(Breaker::builder().consecutive_failures(1).open_wait(Duration::from_mins(1)))
            .classify(ByOutcome(class_of))
            .build()
            .unwrap();
        let answer = pipeline.call(async || Ok::<_, &str>(503)).await;
        assert_eq!(answer.unwrap(), 503, "{delay:?}, {history}, {heard}");
        let rejected =
            |kind: &EventKind| matches!(kind, EventKind::GaveUp { why: StopReason::Rejected, .. });
        assert_eq!(recorder.count(rejected), usize::from(heard));
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_is_no_answer() {
    let pipeline = Pipeline::builder("inventory")
        .retry(Retry::builder().idempotent().backoff(Backoff::from(Duration::from_secs(1))))
        .breaker(Breaker::builder().consecutive_failures(2).open_wait(Duration::from_mins(1)))
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    // An answer, then an error that opens the circuit: the error is the latest news.
    let mut outcomes = [Ok(503), Err("reset")].into_iter();
    let error = pipeline.call(|| std::future::ready(outcomes.next().unwrap())).await.unwrap_err();
    let Error::GaveUp(gave_up) = &error else { panic!("{error}") };
    assert_eq!(gave_up.why, StopReason::Rejected);
    assert_eq!(gave_up.before.as_ref().unwrap().operation(), Some(&"reset"));
    // A first attempt that is refused has no answer before it.
    let error = pipeline.call(async || Ok::<_, &str>(503)).await.unwrap_err();
    assert!(matches!(error, Error::Rejected(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn of_a_hedge_the_answer_comes_back_too() {
    let breaker = breaker();
    let pipeline = Pipeline::builder("inventory")
        .hedge(Hedge::builder().delay(Duration::from_secs(1)).without_budget())
        .breaker(breaker.clone())
        .classify(ByOutcome(class_of))
        .build()
        .unwrap();
    // The primary's answer opens the circuit, the hedge is refused.
    assert_eq!(pipeline.call(async || Ok::<_, &str>(503)).await.unwrap(), 503);
}
