//! Bodies through all layers of a server, as they are.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use seawall::{Bulkhead, Shutdown};
use seawall_http::ServerLayer;
use tower::{Layer, Service, service_fn};

use crate::served::{Served, Settings, in_time, served};

/// Sends back what comes, frame by frame.
async fn echoing() -> Served {
    let limit = Bulkhead::builder().limit(8).build().unwrap();
    let layer = ServerLayer::builder("shop").limit(limit).build().unwrap();
    let shutdown = Shutdown::builder().build().unwrap();
    served(shutdown, Settings::default(), move |request| {
        let mut service = layer.layer(service_fn(async |request: Request<Incoming>| {
            let answer = Response::builder().header("trailer", "x-sum");
            Ok::<_, Infallible>(answer.body(request.into_body()).unwrap())
        }));
        async move { service.call(request).await.unwrap() }
    })
    .await
}

/// vertx-http-proxy#132, traefik#4181, spring-cloud-gateway#3783 (G34): trailers that were lost.
#[tokio::test]
async fn trailers_pass_both_ways() {
    let server = echoing().await;
    let mut client = server.connect().await;
    client
        .send(
            "POST / HTTP/1.1\r\nhost: test\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\
             trailer: x-sum\r\nconnection: close\r\n\r\n4\r\nbody\r\n0\r\nx-sum: 7\r\n\r\n",
        )
        .await;
    let answer = client.rest().await;
    assert!(answer.ends_with("4\r\nbody\r\n0\r\nx-sum: 7\r\n\r\n"), "{answer}");

    let (mut send, connection) = h2::client::handshake(server.connect().await.0).await.unwrap();
    tokio::spawn(connection);
    let request = Request::post("http://test/").body(()).unwrap();
    let (answer, mut body) = send.send_request(request, false).unwrap();
    body.send_data(Bytes::from_static(b"body"), false).unwrap();
    let mut trailers = http::HeaderMap::new();
    trailers.insert("x-sum", "7".parse().unwrap());
    body.send_trailers(trailers).unwrap();
    let mut answer = in_time(answer).await.unwrap().into_body();
    assert_eq!(in_time(answer.data()).await.unwrap().unwrap(), "body");
    assert_eq!(in_time(answer.trailers()).await.unwrap().unwrap()["x-sum"], "7");
    assert_eq!(server.shutdown.in_flight().count(), 0);
}

/// rpxy 0.12.1 (G38): a body that was cut by a cap meant for something else.
#[tokio::test]
async fn a_large_body_is_whole_both_ways() {
    let server = echoing().await;
    let large: Bytes = (0..24_u32 << 20).map(|index| (index % 251) as u8).collect();
    for http2 in [false, true] {
        let executor = hyper_util::rt::TokioExecutor::new();
        let client = hyper_util::client::legacy::Client::builder(executor)
            .http2_only(http2)
            .build_http::<http_body_util::Full<Bytes>>();
        let request = Request::post(format!("http://{}/", server.address));
        let answer = client.request(request.body(large.clone().into()).unwrap()).await.unwrap();
        let whole = in_time(answer.into_body().collect()).await.unwrap().to_bytes();
        assert!(whole == large, "{} bytes came back", whole.len());
    }
}
