//! An answer that is a failure arrives as `Ok`: thirty answers of 503, no retry, and a circuit that
//! stays closed.

use std::io;
use std::time::Duration;

use seawall::{Backoff, Breaker, ByOutcome, CircuitState, Class, Pipeline, Reason, Retry};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service};

use crate::probe::Probe;

fn class(outcome: Result<&u32, &io::Error>) -> Class {
    match outcome {
        Ok(500..) | Err(_) => Class::Transient,
        Ok(_) => Class::Success,
    }
}

macro_rules! layer {
    ($breaker:expr) => {{
        let retry = Retry::builder().idempotent().max_attempts(3).backoff(Backoff::none());
        let pipeline = Pipeline::builder("probe")
            .retry(retry)
            .breaker($breaker.clone())
            .classify(ByOutcome(class as fn(Result<&u32, &io::Error>) -> Class))
            .build()
            .unwrap();
        PipelineLayer::new(pipeline)
    }};
}

#[tokio::test(start_paused = true)]
async fn it_is_repeated_and_counted_and_the_last_one_is_the_answer() {
    let breaker = Breaker::builder().consecutive_failures(7).build().unwrap();
    let layer = layer!(breaker);
    let probe = Probe::new([Ok(500), Ok(502), Ok(503), Ok(503), Ok(200)]);
    let log = probe.log();
    let mut service = layer.layer(probe.clone());
    // All attempts fail: the caller gets the last answer as it is, not an error.
    assert_eq!(service.call("a").await.unwrap(), 503);
    assert_eq!(log.lock().called, 3);
    // One that recovers.
    let mut leaked = layer.leaked().layer(probe);
    assert_eq!(leaked.call("b").await.unwrap(), 200);
    assert_eq!(log.lock().called, 5);
    assert_eq!(breaker.snapshot().totals.failures, 4);
}

#[tokio::test(start_paused = true)]
async fn thirty_of_them_open_the_circuit() {
    let breaker = Breaker::builder().consecutive_failures(5).build().unwrap();
    let probe = Probe::new(vec![Ok(503); 30]);
    let log = probe.log();
    let mut service = layer!(breaker).layer(probe);
    let mut answers = 0;
    let refusal = loop {
        match service.call("a").await {
            Ok(answer) => answers += u32::from(answer == 503),
            Err(error) => break error,
        }
    };
    // The call that opened it gets the latest answer that is known of.
    assert_eq!((answers, log.lock().called), (2, 5));
    assert_eq!(breaker.state(), CircuitState::Open);
    assert_eq!(refusal.rejection().unwrap().reason(), Reason::Open);
    tokio::time::sleep(Duration::from_mins(5)).await;
    assert_eq!(service.call("a").await.unwrap(), 503, "the probe");
}
