//! Each policy by itself, as a layer.

use std::time::Duration;

use seawall::{
    AdaptiveLimit, Breaker, Bulkhead, PanicGuard, RateLimit, Reason, Retry, Throttle, Timeout,
};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service};

use crate::probe::{Probe, Upload};

#[tokio::test(start_paused = true)]
async fn each_policy_is_a_layer() {
    macro_rules! answers {
        ($($policy:expr),+) => {
            $(
                let layer = PipelineLayer::single("probe", $policy).unwrap();
                let mut service = layer.layer(Probe::default());
                assert_eq!(service.call(Upload("a")).await.unwrap(), 42);
            )+
        };
    }
    answers!(
        Timeout::builder().limit(Duration::from_secs(1)),
        Breaker::builder(),
        Bulkhead::builder().limit(1),
        AdaptiveLimit::builder(),
        RateLimit::builder().per_second(1),
        Throttle::builder(),
        PanicGuard::builder()
    );
    let layer = PipelineLayer::single("probe", Retry::builder().idempotent()).unwrap();
    let mut service = layer.layer(Probe::new([Err("first")]));
    assert_eq!(service.call("a").await.unwrap(), 42);
}

#[tokio::test(start_paused = true)]
async fn a_handle_is_shared_with_the_layer() {
    let breaker = Breaker::builder().build().unwrap();
    let layer = PipelineLayer::single("probe", breaker.clone()).unwrap();
    let mut service = layer.layer(Probe::default());
    assert_eq!(service.call("a").await.unwrap(), 42);
    breaker.force_open();
    let error = service.call("a").await.unwrap_err();
    assert_eq!(error.rejection().unwrap().reason(), Reason::ForcedOpen);
}

#[test]
fn a_wrong_setting_is_refused_with_its_name() {
    let error = PipelineLayer::single("probe", Bulkhead::builder().limit(0)).unwrap_err();
    assert!(error.to_string().contains("limit"), "{error}");
}
