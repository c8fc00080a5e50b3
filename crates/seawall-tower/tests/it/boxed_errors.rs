//! tower-http#270 and reqwest's connectors: peers that demand one error type, exactly.

use std::error::Error;
use std::io;

use seawall::{Breaker, Pipeline};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt};

use crate::probe::Probe;

/// What reqwest demands of a connector's layer.
fn demanding<S>(service: S) -> S
where
    S: Service<&'static str, Error = Box<dyn Error + Send + Sync>> + Clone + Send + Sync + 'static,
    S::Future: Send,
{
    service
}

#[tokio::test]
async fn the_error_is_found_again_in_the_box() {
    let breaker = Breaker::builder().build().unwrap();
    breaker.force_open();
    let pipeline = || Pipeline::builder("probe").breaker(breaker.clone()).build().unwrap();
    let boxed = PipelineLayer::new(pipeline()).boxed_errors().layer(Probe::default());
    let leaked = PipelineLayer::new(pipeline()).leaked().boxed_errors().layer(Probe::default());
    for error in [
        demanding(boxed).oneshot("a").await.unwrap_err(),
        demanding(leaked).oneshot("a").await.unwrap_err(),
    ] {
        let error = error.downcast_ref::<seawall::Error>().unwrap();
        assert!(error.rejection().is_some());
    }
}

#[tokio::test]
async fn errors_are_typed_unless_asked_for() {
    let pipeline = Pipeline::builder("probe").build().unwrap();
    let service = ServiceBuilder::new()
        .layer(PipelineLayer::new(pipeline))
        .service(Probe::new([Err("broken")]));
    let error: seawall::Error<io::Error> = service.oneshot("a").await.unwrap_err();
    assert_eq!(error.operation().unwrap().to_string(), "broken");
}
