//! The outermost layer of a server.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use seawall::{Breaker, Deadline, Pipeline};
use seawall_http::{DeadlineReader, RequestOptions, RespondLayer};
use seawall_tower::PipelineLayer;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::server;

fn get(headers: &[(&str, &str)]) -> Request<Full<Bytes>> {
    let mut request = Request::get("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::default()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_failure_is_an_answer() {
    let breaker = Breaker::builder().build().unwrap();
    let pipeline = Pipeline::builder("shop")
        .timeout(Duration::from_secs(1))
        .breaker(breaker.clone())
        .guard_panics()
        .build()
        .unwrap();
    let service = ServiceBuilder::new()
        .layer(RespondLayer::new())
        .layer(PipelineLayer::new(pipeline))
        .service(service_fn(async |request: Request<Full<Bytes>>| {
            match request.headers().get("x-do").map(|it| it.to_str().unwrap()) {
                Some("panic") => panic!("planned"),
                Some("hang") => std::future::pending().await,
                _ => Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello"))),
            }
        }));
    for (headers, status) in
        [(&[][..], 200), (&[("x-do", "panic")][..], 500), (&[("x-do", "hang")], 504)]
    {
        assert_eq!(service.clone().oneshot(get(headers)).await.unwrap().status(), status);
    }
    breaker.force_open();
    let refused = service.clone().oneshot(get(&[])).await.unwrap();
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem["code"], "forced_open");
    let grpc = get(&[("content-type", "application/grpc+proto")]);
    let refused = service.oneshot(grpc).await.unwrap();
    assert_eq!(refused.status(), 200);
    assert_eq!(refused.headers()["grpc-status"], "14");
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_request_bounds_its_call() {
    let pipeline = Pipeline::builder("shop").timeout(Duration::from_mins(1)).build().unwrap();
    let service = ServiceBuilder::new()
        .layer(RespondLayer::new().deadlines(DeadlineReader::new(Duration::from_secs(10))))
        .layer(PipelineLayer::new(pipeline).options(RequestOptions::new()))
        .service(service_fn(async |request: Request<Full<Bytes>>| {
            assert!(request.extensions().get::<Deadline>().is_some());
            std::future::pending::<Result<Response<Full<Bytes>>, Infallible>>().await
        }));
    for (timeout, takes) in [("250m", 250), ("60S", 10_000)] {
        let began = tokio::time::Instant::now();
        let call = service.clone().oneshot(get(&[("grpc-timeout", timeout)]));
        assert_eq!(call.await.unwrap().status(), 504);
        assert_eq!(began.elapsed(), Duration::from_millis(takes));
    }
    let malformed = service.oneshot(get(&[("grpc-timeout", "soon")])).await.unwrap();
    assert_eq!(malformed.status(), 400);
}

/// An error that reaches hyper closes the connection: 20 of 32 clients with one kept alive were lost.
#[tokio::test]
async fn refusals_keep_the_connection_alive() {
    let breaker = Breaker::builder().build().unwrap();
    breaker.force_open();
    let pipeline = Pipeline::builder("shop").breaker(breaker).build().unwrap();
    let layer = PipelineLayer::new(pipeline);
    let address = server::answering(move |request| {
        let inner = service_fn(async |_: Request<_>| {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
        });
        let mut service = RespondLayer::new().layer(layer.layer(inner));
        async move { service.call(request).await.unwrap() }
    })
    .await;
    for http2 in [false, true] {
        let client: Client<_, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        for _ in 0..10 {
            let url = format!("http://{address}/").parse().unwrap();
            let answer = client.get(url).await.unwrap();
            assert_eq!(answer.status(), 503);
            assert!(!answer.headers().contains_key("connection"));
            answer.into_body().collect().await.unwrap();
        }
    }
}
