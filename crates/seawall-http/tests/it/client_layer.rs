//! The layer around hyper-util's client, over HTTP/1.1 and HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::client::legacy;
use hyper_util::rt::TokioExecutor;
use seawall_http::{ClientLayer, Idempotent, RequestOptions};
use seawall_testkit::at_every_await;
use seawall_tower::replay::{ReplayBody, ReplayLayer, ReplayMemory};
use tower::{Layer, ServiceExt, service_fn};

use crate::server;

type Http<B> = legacy::Client<legacy::connect::HttpConnector, ReplayBody<B>>;

fn hyper<B>(h2: bool) -> Http<B>
where
    B: http_body::Body<Error: Into<Box<dyn std::error::Error + Send + Sync>>> + Send + 'static,
{
    let mut builder = legacy::Client::builder(TokioExecutor::new());
    builder.retry_canceled_requests(false).http2_only(h2).build_http()
}

fn layer() -> ClientLayer {
    ClientLayer::builder("shop")
        .pipeline(|standard| standard.timeout(Duration::from_secs(2)))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_body_that_is_a_stream_is_sent_again_byte_for_byte() {
    for h2 in [false, true] {
        let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let address = server::answering(move |request| {
            let kept = Arc::clone(&kept);
            async move {
                let is_first = kept.lock().is_empty();
                // The first attempt is refused before its body was read.
                let body = if is_first {
                    Bytes::from("unread")
                } else {
                    request.into_body().collect().await.unwrap().to_bytes()
                };
                kept.lock().push(body);
                let status = if is_first { 503 } else { 200 };
                Response::builder().status(status).body(Full::<Bytes>::default()).unwrap()
            }
        })
        .await;
        let parts = ["three ", "boxes of ", "screws"]
            .map(|part| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(part))));
        let body = StreamBody::new(futures_util::stream::iter(parts));
        let client = layer().layer(hyper(h2));
        let request = Request::put(format!("http://{address}/")).body(body).unwrap();
        let answer = client.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(*seen.lock(), ["unread", "three boxes of screws"]);
    }
}

#[tokio::test]
async fn a_request_says_itself_whether_it_may_be_repeated() {
    for (method, said, sent) in [
        (Method::GET, None, 3),
        (Method::POST, None, 1),
        (Method::POST, Some(true), 3),
        (Method::GET, Some(false), 1),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let address = server::answering(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            async {
                let body = Full::<Bytes>::from("busy");
                Response::builder().status(500).body(body).unwrap()
            }
        })
        .await;
        let mut request = Request::builder().method(method).uri(format!("http://{address}/"));
        if let Some(said) = said {
            request = request.extension(Idempotent(said));
        }
        let client = layer().layer(hyper(false));
        let answer = client.oneshot(request.body(Full::<Bytes>::default()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 500);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "busy");
        assert_eq!(count.load(Ordering::SeqCst), sent);
    }
}

#[tokio::test(start_paused = true)]
async fn reads_are_hedged_where_that_is_asked_for_and_writes_are_not() {
    // The first request of each call takes a minute.
    let minute = Duration::from_mins(1);
    for (method, path, hedged) in [
        (Method::GET, "/", true),
        (Method::HEAD, "/", true),
        (Method::POST, "/find", true),
        (Method::PUT, "/", false),
        (Method::POST, "/", false),
    ] {
        let count = AtomicUsize::new(0);
        let count = Arc::new(count);
        let counted = Arc::clone(&count);
        let slow = service_fn(move |_: Request<ReplayBody<Full<Bytes>>>| {
            let number = counted.fetch_add(1, Ordering::SeqCst);
            async move {
                if number == 0 {
                    tokio::time::sleep(minute).await;
                }
                Ok::<_, std::io::Error>(Response::new(Full::<Bytes>::from("quick")))
            }
        });
        let layer = ClientLayer::builder("shop")
            .pipeline(move |standard| standard.timeout(5 * minute))
            .options(RequestOptions::new().paths(["/find"]))
            .hedging()
            .build()
            .unwrap();
        let began = tokio::time::Instant::now();
        let request = Request::builder().method(&method).uri(format!("http://shop.example{path}"));
        let request = request.body(Full::<Bytes>::default()).unwrap();
        layer.layer(slow).oneshot(request).await.unwrap();
        assert_eq!(count.load(Ordering::SeqCst), if hedged { 2 } else { 1 }, "{method} {path}");
        let took = if hedged { Duration::from_secs(2) } else { minute };
        let late = began.elapsed().saturating_sub(took);
        assert!(late < Duration::from_millis(100), "{method} {path}: {late:?}");
    }
}

/// The answer of one counts for both: there is one pipeline for an authority's traffic.
#[tokio::test]
async fn the_hedging_pipeline_has_the_traffic_of_the_other() {
    let address = server::answering(async |_| Response::new(Full::<Bytes>::from("x"))).await;
    let layer = ClientLayer::builder("shop")
        .pipeline(|standard| standard.breaker(|breaker| breaker))
        .hedging()
        .build()
        .unwrap();
    let pipeline = layer.pipeline(&address.to_string());
    let get = || {
        let client = layer.layer(hyper(false));
        let request = Request::get(format!("http://{address}/"));
        client.oneshot(request.body(Full::<Bytes>::default()).unwrap())
    };
    let answer = get().await.unwrap();
    assert_eq!(pipeline.congestion_control().unwrap().snapshot().streams, 1);
    drop(answer);
    assert_eq!(pipeline.congestion_control().unwrap().snapshot().streams, 0);
    pipeline.breaker().unwrap().force_open();
    assert!(get().await.unwrap_err().rejection().is_some());
}

/// A call, and the body of its answer, dropped at each await.
#[tokio::test(start_paused = true)]
async fn dropped_at_every_await_a_call_and_its_body_give_back_what_they_held() {
    let memory = ReplayMemory::default();
    for hedging in [false, true] {
        let builder = ClientLayer::builder("shop")
            .pipeline(|standard| {
                standard.timeout(Duration::from_secs(20)).breaker(|breaker| breaker)
            })
            .replay(ReplayLayer::new().memory(&memory));
        let layer = if hedging { builder.hedging() } else { builder }.build().unwrap();
        let pipeline = layer.pipeline("shop.example");
        let awaits = at_every_await(
            || {
                let attempts = Arc::new(AtomicUsize::new(0));
                let service = service_fn(move |request: Request<ReplayBody<Slow>>| {
                    let attempt = attempts.fetch_add(1, Ordering::SeqCst);
                    async move {
                        let body = request.into_body().collect().await;
                        tokio::time::sleep(Duration::from_millis(5)).await;
                        let size = body.map_or(0, |body| body.to_bytes().len());
                        assert_eq!(size, 10);
                        let status = if attempt < 2 { 503 } else { 200 };
                        Ok::<_, std::io::Error>(
                            Response::builder().status(status).body(slow("answer")).unwrap(),
                        )
                    }
                });
                let request = Request::get("http://shop.example/").body(slow("order")).unwrap();
                let call = layer.layer(service).oneshot(request);
                async move { call.await.unwrap().into_body().collect().await.unwrap().to_bytes() }
            },
            |outcome| {
                assert!(outcome.is_none_or(|body| body == "answeranswer"));
                let snapshot = pipeline.congestion_control().unwrap().snapshot();
                assert_eq!((snapshot.streams, snapshot.waiting), (0, 0), "{snapshot:?}");
                assert!(snapshot.in_flight as usize <= snapshot.lingering, "{snapshot:?}");
                assert_eq!(memory.totals().held, 0);
            },
        )
        .await;
        assert!(awaits >= 10, "{awaits}");
        // What was dropped lingers no longer than it ran.
        tokio::time::advance(Duration::from_mins(1)).await;
    }
}

type Slow = http_body_util::combinators::BoxBody<Bytes, std::io::Error>;

/// Two frames with a pause before each.
fn slow(text: &'static str) -> Slow {
    let frames = futures_util::stream::unfold(0, move |number| async move {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let frame = Ok(http_body::Frame::data(Bytes::from(text)));
        (number < 2).then_some((frame, number + 1))
    });
    BodyExt::boxed(StreamBody::new(frames))
}
