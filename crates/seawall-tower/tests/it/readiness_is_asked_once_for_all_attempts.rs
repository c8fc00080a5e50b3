//! tower-resilience#362, #392: the retry asked for readiness before its first attempt only.

use std::time::Duration;

use seawall::{Backoff, Pipeline, Retry};
use seawall_tower::PipelineLayer;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service};

use crate::probe::Probe;

#[tokio::test(start_paused = true)]
async fn each_attempt_takes_the_one_slot_and_gives_it_back() {
    let retry = Retry::builder().idempotent().max_attempts(5).without_budget();
    let retry = retry.backoff(Backoff::constant(Duration::from_millis(10)));
    let pipeline = Pipeline::builder("probe").retry(retry).build().unwrap();
    let probe = Probe::new((0..200).map(|n| if n % 4 == 3 { Ok(n) } else { Err("busy") }));
    let log = probe.log();
    let service = PipelineLayer::new(pipeline).layer(ConcurrencyLimit::new(probe, 1));
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let mut service = service.clone();
            tokio::spawn(async move { service.call("a").await })
        })
        .collect();
    for call in calls {
        // 150 of 200 attempts fail, in an order that 50 calls share: some are out of attempts.
        drop(call.await.unwrap());
    }
    let log = log.lock();
    assert_eq!(log.readied, log.called);
    assert!(log.called >= 50, "{} calls", log.called);
}
