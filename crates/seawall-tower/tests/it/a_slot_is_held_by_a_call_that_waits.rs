//! A slot that a call reserved must be free while the call waits for its next attempt, and after it
//! was given up.

use std::time::Duration;

use seawall::{Backoff, Pipeline, Retry};
use seawall_tower::PipelineLayer;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service};

use crate::probe::{Probe, readied};

#[tokio::test(start_paused = true)]
async fn the_slot_is_free_between_attempts() {
    let retry = Retry::builder().idempotent().backoff(Backoff::constant(Duration::from_mins(1)));
    let pipeline = Pipeline::builder("probe").retry(retry).build().unwrap();
    let mut limited = ConcurrencyLimit::new(Probe::new([Err("first")]), 1);
    let mut service = PipelineLayer::new(pipeline).layer(limited.clone());
    let mut waiting = Box::pin(service.call("a"));
    let polled = tokio::time::timeout(Duration::from_secs(1), &mut waiting).await;
    assert!(polled.is_err(), "it waits for its second attempt");
    assert_eq!(readied(&mut limited).await.unwrap().call("b").await.unwrap(), 42);
    drop(limited);
    assert_eq!(waiting.await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn the_slot_is_free_after_a_call_that_waited_for_it_is_dropped() {
    let pipeline = Pipeline::standard("probe").build().unwrap();
    let mut limited = ConcurrencyLimit::new(Probe::default(), 1);
    let mut service = PipelineLayer::new(pipeline).layer(limited.clone());
    // The test holds the one slot; the call waits for it and is given up.
    readied(&mut limited).await.unwrap();
    let call = service.call("a");
    assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err());
    assert_eq!(limited.call("b").await.unwrap(), 42);
    assert_eq!(service.call("c").await.unwrap(), 42);
}
