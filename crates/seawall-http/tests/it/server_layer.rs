//! All that goes around a server, around an axum router on a real connection.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::routing::get;
use bytes::Bytes;
use http::{Response, Uri};
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use seawall::limit::Priority;
use seawall::{Bulkhead, Deadline, Shutdown};
use seawall_http::{DeadlineHeader, HealthLayer, ServerLayer};
use seawall_testkit::Recorder;
use tokio::net::TcpListener;
use tower::ServiceExt;

async fn serving(routes: Router) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async { axum::serve(listener, routes).await });
    address
}

async fn answer(address: SocketAddr, http2: bool, request: http::request::Builder) -> Answer {
    let client = Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
    let answer = client.request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    let (head, body) = answer.into_parts();
    let text = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(text.to_vec()).unwrap();
    assert!(!head.headers.contains_key("connection"), "of {address}");
    Response::from_parts(head, text)
}

type Answer = Response<String>;

fn at(address: SocketAddr, path: &str) -> http::request::Builder {
    let url: Uri = format!("http://{address}{path}").parse().unwrap();
    http::Request::get(url)
}

#[tokio::test]
async fn each_way_to_fail_has_its_answer_and_the_connection_lives() {
    let recorder = Recorder::default();
    let limit = Bulkhead::builder().limit(8).priority_share(Priority::Low, 0.125).build().unwrap();
    let occupied = limit.with_priority(Priority::Low);
    let shutdown = Shutdown::builder().build().unwrap();
    let by_path = |request: &Request| match request.uri().path() {
        "/report" => Priority::Low,
        _ => Priority::Normal,
    };
    let layer = ServerLayer::builder("shop")
        .at_most(Duration::from_secs(10))
        .deadline_header(DeadlineHeader::Millis("x-time-left".parse().unwrap()))
        .limit(limit)
        .priority(by_path)
        .shutdown(&shutdown)
        .listener(recorder.clone())
        .build()
        .unwrap();
    let routes = Router::new()
        .route("/", get(async || "hello"))
        .route("/report", get(async || "report"))
        .route("/panic", get(async || if true { panic!("planned") } else { "no" }))
        .route("/slow", get(std::future::pending::<String>))
        .route(
            "/left",
            get(async || Deadline::current().remaining().unwrap().as_secs().to_string()),
        )
        .layer(layer);
    let address = serving(routes).await;
    for http2 in [false, true] {
        let get = async |request| answer(address, http2, request).await;
        assert_eq!(get(at(address, "/")).await.body(), "hello");
        assert_eq!(get(at(address, "/none")).await.status(), 404);
        assert_eq!(get(at(address, "/panic")).await.status(), 500);
        // The handler knows how long its caller waits, so the calls that it makes do.
        let left = get(at(address, "/left").header("grpc-timeout", "5S")).await;
        assert!(left.body() == "4" || left.body() == "5", "{left:?}");
        for header in ["grpc-timeout", "x-envoy-expected-rq-timeout-ms", "x-time-left"] {
            let value = if header == "grpc-timeout" { "20m" } else { "20" };
            let late = get(at(address, "/slow").header(header, value)).await;
            assert_eq!(late.status(), 504, "{header}");
        }
        let malformed = get(at(address, "/").header("grpc-timeout", "soon")).await;
        assert_eq!(malformed.status(), 400);
        let held = occupied.try_acquire().unwrap();
        let shed = get(at(address, "/report")).await;
        assert_eq!(shed.status(), 503);
        assert!(shed.headers().contains_key("retry-after"));
        assert_eq!(shed.headers()["content-type"], "application/problem+json");
        assert_eq!(get(at(address, "/")).await.status(), 200);
        drop(held);
        assert_eq!(get(at(address, "/report")).await.status(), 200);
        assert_eq!(get(at(address, HealthLayer::READY)).await.body(), "ready\n");
        assert_eq!(get(at(address, HealthLayer::LIVE)).await.body(), "live\n");
    }
    let kinds = recorder.kinds();
    assert_eq!(kinds.iter().filter(|kind| **kind == "panicked").count(), 2);
    assert_eq!(kinds.iter().filter(|kind| **kind == "timed_out").count(), 6);
}

#[tokio::test(start_paused = true)]
async fn health_is_answered_before_any_limit() {
    let limit = Bulkhead::builder().limit(1).build().unwrap();
    let _occupied = limit.try_acquire_owned().unwrap();
    let shutdown = Shutdown::builder().build().unwrap();
    let heartbeat = shutdown.heartbeat("consumer", Duration::from_secs(5));
    let layer = ServerLayer::builder("shop").limit(limit).shutdown(&shutdown).build().unwrap();
    let routes: Router = Router::new().route("/", get(async || "hello")).layer(layer);
    let status = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        routes.clone().oneshot(request).await.unwrap().status().as_u16()
    };
    assert_eq!(status("/").await, 503);
    assert_eq!((status("/health/ready").await, status("/health/live").await), (200, 200));
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(status("/health/live").await, 503);
    heartbeat.beat();
    assert_eq!(status("/health/live").await, 200);
    // The balancers are asked to look elsewhere when the shutdown begins, not at its end.
    let running = tokio::spawn({
        let shutdown = shutdown.clone();
        async move { shutdown.run().await }
    });
    shutdown.trigger("a test");
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!((status("/health/ready").await, status("/health/live").await), (503, 200));
    let report = running.await.unwrap();
    assert!(report.total >= Duration::from_secs(5), "somebody asked for readiness: {report}");
}
