//! tower#547, tower-resilience#286: a clone of a service isn't ready because the original was.

use seawall::{Backoff, Pipeline, Retry};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service, ServiceExt};

use crate::probe::{Probe, readied};

#[tokio::test(start_paused = true)]
async fn each_attempt_calls_the_instance_that_it_readied() {
    let retry = Retry::builder().idempotent().backoff(Backoff::none());
    let pipeline = Pipeline::builder("probe").retry(retry).build().unwrap();
    let probe = Probe::new([Err("first"), Err("second"), Ok(7)]);
    let log = probe.log();
    let layer = PipelineLayer::new(pipeline);
    assert_eq!(layer.layer(probe).oneshot("a").await.unwrap(), 7);
    let log = log.lock();
    assert_eq!((log.readied, log.called), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_service_that_was_readied_before_is_not_taken_for_ready() {
    let pipeline = Pipeline::standard("probe").build().unwrap();
    let mut probe = Probe::default();
    readied(&mut probe).await.unwrap();
    let mut service = PipelineLayer::new(pipeline).layer(probe);
    for _ in 0..3 {
        assert_eq!(service.call("a").await.unwrap(), 42);
    }
}

#[tokio::test(start_paused = true)]
async fn a_buffer_is_readied_for_each_attempt() {
    let retry = Retry::builder().idempotent().backoff(Backoff::none());
    let pipeline = Pipeline::builder("probe").retry(retry).build().unwrap();
    let probe = Probe::new([Err("first"), Ok(7), Err("third"), Ok(9)]);
    let buffer = tower::buffer::Buffer::new(probe, 1);
    let mut service = PipelineLayer::new(pipeline).layer(buffer);
    assert_eq!(service.call("a").await.unwrap(), 7);
    assert_eq!(service.call("b").await.unwrap(), 9);
}
