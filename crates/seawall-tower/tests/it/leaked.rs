//! The form without a box.

use std::time::Duration;

use seawall::{AllTransient, Backoff, Pipeline, Retry, Standard};
use seawall_tower::{ByClone, LeakedFuture, NoOptions, PipelineLayer};
use tower::{Layer, Service, ServiceExt};

use crate::probe::Probe;

/// Names the future of a leaked service, and holds it without a box.
struct Held<S: Service<&'static str>> {
    service: S,
    call: Option<std::pin::Pin<Box<S::Future>>>,
}

#[tokio::test(start_paused = true)]
async fn its_future_has_a_name_and_is_send() {
    fn is_send<T: Send>(it: T) -> T {
        it
    }
    type Named = LeakedFuture<Probe, &'static str, Standard, AllTransient, NoOptions, ByClone>;
    let pipeline = Pipeline::standard("probe").idempotent().build().unwrap();
    let service = PipelineLayer::new(pipeline).leaked().layer(Probe::new([Err("first")]));
    let mut held = Held { service, call: None };
    held.call = Some(Box::pin(held.service.call("a")));
    assert_eq!(is_send(held.call.take().unwrap()).await.unwrap(), 42);
    let mut service = held.service;
    let named: Named = service.call("a");
    assert_eq!(named.await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn it_does_what_the_boxed_form_does() {
    let retry = Retry::builder().idempotent().backoff(Backoff::constant(Duration::from_secs(1)));
    let pipeline = Pipeline::builder("probe").retry(retry).build().unwrap();
    let layer = PipelineLayer::new(pipeline);
    assert_eq!(layer.pipeline().name().as_str(), "probe");
    let boxed = Probe::new([Err("1"), Err("2"), Ok(7)]);
    let leaked = Probe::new([Err("1"), Err("2"), Ok(7)]);
    let logs = [boxed.log(), leaked.log()];
    assert_eq!(layer.layer(boxed).oneshot("a").await.unwrap(), 7);
    assert_eq!(layer.leaked().layer(leaked).oneshot("a").await.unwrap(), 7);
    let [boxed, leaked] = logs.map(|log| {
        let log = log.lock();
        (log.readied, log.called)
    });
    assert_eq!(boxed, leaked);
}
