//! Where an `Ok` can be a failure, policies see an error of another type: a fault that was injected did
//! not fit, and an injected 503 would be a success.

use std::io;

use seawall::{Backoff, Breaker, ByOutcome, CircuitState, Class, Pipeline, Retry};
use seawall_chaos::Chaos;

fn class_of(outcome: Result<&u16, &io::Error>) -> Class {
    match outcome {
        Ok(500..) | Err(_) => Class::Transient,
        Ok(_) => Class::Success,
    }
}

#[tokio::test(start_paused = true)]
async fn an_injected_503_is_repeated_counted_and_given_back() {
    let breaker = Breaker::builder().consecutive_failures(3).build().expect("valid");
    let chaos = Chaos::builder().outcome(1.0, |_| Ok::<u16, io::Error>(503));
    let chaos = chaos.classify(ByOutcome(class_of)).enabled().build().expect("valid");
    let pipeline = Pipeline::builder("shop")
        .retry(Retry::builder().idempotent().backoff(Backoff::none()).without_budget())
        .breaker(breaker.clone())
        .layer(chaos.clone())
        .classify(ByOutcome(class_of))
        .build()
        .expect("valid");
    assert_eq!(pipeline.call(async || Ok(200)).await.expect("an answer"), 503);
    assert_eq!((chaos.counts().outcome, breaker.state()), (3, CircuitState::Open));
}

#[tokio::test(start_paused = true)]
async fn an_injected_error_fits_without_a_classifier_of_its_own() {
    let chaos = Chaos::builder().error(1.0, |_| io::Error::other("injected")).attempts(1..=1);
    let pipeline = Pipeline::builder("shop")
        .retry(Retry::builder().idempotent().backoff(Backoff::none()))
        .layer(chaos.enabled())
        .classify(ByOutcome(class_of))
        .build()
        .expect("valid");
    let mut answers = [503, 200].into_iter();
    let call = pipeline.call(|| std::future::ready(Ok(answers.next().expect("two"))));
    assert_eq!(call.await.expect("an answer"), 200);
}
