//! The layers of a server around an axum router, over real connections.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use bytes::Bytes;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use seawall::{Bulkhead, Pipeline};
use seawall_http::{DeadlineReader, HoldLayer, RequestOptions, RespondLayer};
use seawall_tower::PipelineLayer;
use tokio::net::TcpListener;
use tower::ServiceBuilder;

/// One frame, and then nothing for ever.
struct Endless(bool);

impl http_body::Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        if std::mem::replace(&mut self.0, true) {
            return std::task::Poll::Pending;
        }
        let frame = http_body::Frame::data(Bytes::from_static(b"begun"));
        std::task::Poll::Ready(Some(Ok(frame)))
    }
}

async fn panicking() -> &'static str {
    panic!("planned: in a handler")
}

async fn hanging() -> &'static str {
    std::future::pending().await
}

#[tokio::test]
async fn every_request_is_answered_and_holds_its_place_to_the_end_of_the_body() {
    let limit = Bulkhead::builder().name("shop").limit(1).build().unwrap();
    let pipeline =
        Pipeline::builder("shop").timeout(Duration::from_secs(10)).guard_panics().build().unwrap();
    let layers = ServiceBuilder::new()
        .layer(RespondLayer::new().deadlines(DeadlineReader::new(Duration::from_secs(10))))
        .layer(HoldLayer::new(limit.clone()))
        .layer(PipelineLayer::new(pipeline).options(RequestOptions::new()));
    let routes = Router::new()
        .route("/", get(async || "hello"))
        .route("/panic", get(panicking))
        .route("/hang", get(hanging))
        .route("/stream", get(async || Body::new(Endless(false))))
        .layer(layers);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    for http2 in [false, true] {
        let client: Client<_, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        let ask = async |path: &str| {
            let request = Request::get(format!("http://{address}{path}"));
            let request = request.header("grpc-timeout", "200m").body(Full::default());
            client.request(request.unwrap()).await.unwrap()
        };
        for (path, status) in [("/", 200), ("/panic", 500), ("/hang", 504), ("/", 200)] {
            let answer = ask(path).await;
            assert_eq!(answer.status(), status, "{path}");
            answer.into_body().collect().await.unwrap();
        }
        let stream = ask("/stream").await;
        assert_eq!(limit.snapshot().in_flight, 1);
        let refused = ask("/").await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(refused.headers()["content-type"], "application/problem+json");
        let body = refused.into_body().collect().await.unwrap().to_bytes();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "full");
        drop(stream);
        let freed = tokio::time::timeout(Duration::from_secs(20), async {
            while limit.snapshot().in_flight > 0 {
                tokio::task::yield_now().await;
            }
        });
        freed.await.expect("the client went away");
    }
}
