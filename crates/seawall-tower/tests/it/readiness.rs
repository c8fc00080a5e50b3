//! Readiness that follows a circuit.

use std::time::Duration;

use seawall::{Backoff, Breaker, Jitter, Pipeline};
use seawall_tower::{PipelineLayer, ReadinessLayer};
use tokio::time::Instant;
use tower::{Layer, Service, ServiceBuilder};

use crate::probe::{Probe, readied};

fn breaker() -> Breaker {
    let wait = Backoff::constant(Duration::from_secs(3)).jitter(Jitter::None);
    Breaker::builder().consecutive_failures(1).open_wait(wait).build().unwrap()
}

macro_rules! service {
    ($breaker:expr, $probe:expr) => {{
        let pipeline = Pipeline::builder("probe").breaker($breaker.clone()).build().unwrap();
        ServiceBuilder::new()
            .layer(ReadinessLayer::new(&$breaker))
            .layer(PipelineLayer::new(pipeline))
            .service($probe)
    }};
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_is_ready_while_its_circuit_is_open() {
    let breaker = breaker();
    breaker.force_open();
    let pipeline = Pipeline::builder("probe").breaker(breaker).build().unwrap();
    let mut service = PipelineLayer::new(pipeline).layer(Probe::default());
    assert!(readied(&mut service).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn an_open_circuit_is_not_ready_until_its_wait_is_over() {
    let breaker = breaker();
    let mut service = service!(breaker, Probe::new([Err("down")]));
    service.call("a").await.unwrap_err();
    let began = Instant::now();
    readied(&mut service).await.unwrap();
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    // The probe.
    assert_eq!(service.call("b").await.unwrap(), 42);
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn an_operator_that_closes_it_wakes_all_that_wait() {
    let breaker = breaker();
    breaker.force_open();
    let service = service!(breaker, Probe::default());
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let mut service = service.clone();
            tokio::spawn(async move {
                std::future::poll_fn(|cx| Service::<&'static str>::poll_ready(&mut service, cx))
                    .await
                    .unwrap();
                service.call("a").await
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_hours(1)).await;
    assert!(waiting.iter().all(|call| !call.is_finished()));
    breaker.reset();
    for call in waiting {
        assert_eq!(call.await.unwrap().unwrap(), 42);
    }
}

#[tokio::test(start_paused = true)]
async fn it_leaves_nothing_behind_in_the_breaker() {
    let breaker = breaker();
    let service = service!(breaker, Probe::default());
    assert!(!breaker.listeners().is_empty());
    drop(service);
    assert!(breaker.listeners().is_empty());
}
