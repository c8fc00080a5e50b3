//! A slot that is reserved by `poll_ready` before the breaker refuses the call is one that others wait
//! for.

use seawall::{Breaker, Pipeline};
use seawall_tower::{PipelineLayer, PipelineService};
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service};

use crate::probe::{Probe, readied};

#[tokio::test(start_paused = true)]
async fn nothing_is_reserved_before_admission() {
    let breaker = Breaker::builder().build().unwrap();
    breaker.force_open();
    let pipeline = Pipeline::builder("probe").breaker(breaker).build().unwrap();
    let mut limited = ConcurrencyLimit::new(Probe::default(), 1);
    let mut service: PipelineService<_, _> = PipelineLayer::new(pipeline).layer(limited.clone());
    // Ready, refused, and not dropped.
    readied(&mut service).await.unwrap();
    let refused = service.call("a").await.unwrap_err();
    assert!(refused.rejection().is_some());
    readied(&mut service).await.unwrap();
    // The one slot is free for everybody else.
    assert_eq!(readied(&mut limited).await.unwrap().call("b").await.unwrap(), 42);
}
