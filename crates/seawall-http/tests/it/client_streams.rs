//! Bodies of requests and answers: what they hold, and what may cut them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioIo};
use seawall_http::{Client, ClientLayer};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tower::{Layer, ServiceExt, service_fn};

use crate::server;

type Frames = mpsc::Receiver<Result<Frame<Bytes>, std::io::Error>>;

/// A body of the frames that are sent to it.
fn body_of(
    frames: Frames,
) -> StreamBody<impl stream::Stream<Item = Result<Frame<Bytes>, std::io::Error>>> {
    StreamBody::new(stream::unfold(frames, |mut frames| async move {
        frames.recv().await.map(|frame| (frame, frames))
    }))
}

fn trailers(name: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(name.parse().unwrap(), "7".parse().unwrap())])
}

/// vertx-http-proxy#132, traefik#4181: trailers were lost on the way.
#[tokio::test]
async fn trailers_pass_both_ways_and_through_a_repetition() {
    for h2 in [false, true] {
        let seen = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let kept = Arc::clone(&seen);
        let address = server::answering(move |request| {
            let kept = Arc::clone(&kept);
            async move {
                let body = request.into_body().collect().await.unwrap();
                let is_first = kept.lock().is_empty();
                kept.lock().push(body.trailers().cloned().unwrap_or_default());
                let frames = [
                    Ok::<_, std::io::Error>(Frame::data(Bytes::from("answer"))),
                    Ok(Frame::trailers(trailers("x-answer"))),
                ];
                Response::builder()
                    .status(if is_first { 503 } else { 200 })
                    .header("trailer", "x-answer")
                    .body(StreamBody::new(stream::iter(frames)))
                    .unwrap()
            }
        })
        .await;
        let http = legacy::Client::builder(TokioExecutor::new())
            .retry_canceled_requests(false)
            .http2_only(h2)
            .build_http();
        let layer = ClientLayer::builder("shop")
            .pipeline(|standard| standard.timeout(Duration::from_secs(3)))
            .build()
            .unwrap();
        let client = layer.layer(http);
        let frames = [
            Ok::<_, std::io::Error>(Frame::data(Bytes::from("order"))),
            Ok(Frame::trailers(trailers("x-order"))),
        ];
        let request = Request::put(format!("http://{address}/"))
            .header("te", "trailers")
            .header("trailer", "x-order")
            .body(StreamBody::new(stream::iter(frames)))
            .unwrap();
        let answer = client.oneshot(request).await.unwrap();
        let body = answer.into_body().collect().await.unwrap();
        assert_eq!(body.trailers().unwrap()["x-answer"], "7");
        let seen = seen.lock();
        assert_eq!(seen.len(), 2);
        assert!(seen.iter().all(|it| it.get("x-order").is_some()), "{seen:?}, h2: {h2}");
    }
}

/// tower-http#447, vllm router#280, gears-rust#4880: what is in flight was counted to the head.
#[tokio::test]
async fn a_place_is_held_to_the_end_of_the_body_over_real_connections() {
    for h2 in [false, true] {
        let (sender, frames) = mpsc::channel(10);
        let frames = Arc::new(parking_lot::Mutex::new(Some(frames)));
        let address = server::answering(move |_| {
            let frames = frames.lock().take();
            async move { Response::new(body_of(frames.unwrap_or_else(|| mpsc::channel(1).1))) }
        })
        .await;
        let http = reqwest::Client::builder().retry(reqwest::retry::never());
        let http = if h2 { http.http2_prior_knowledge() } else { http };
        let client = Client::builder("shop").http(http.build().unwrap()).build().unwrap();
        let pipeline = client.pipeline(&address.to_string());
        let streams = || pipeline.congestion_control().unwrap().snapshot().streams;
        let mut answer = client.get(format!("http://{address}/")).send().await.unwrap();
        assert_eq!(streams(), 1);
        sender.send(Ok(Frame::data(Bytes::from("some")))).await.unwrap();
        assert_eq!(answer.chunk().await.unwrap().unwrap(), "some");
        assert_eq!(streams(), 1);
        drop(sender);
        while answer.chunk().await.unwrap().is_some() {}
        assert_eq!(streams(), 0, "at its end, though the answer is still there");
        // A caller that goes away gives its place back.
        let second = client.get(format!("http://{address}/")).send().await.unwrap();
        drop((answer, second));
        assert_eq!(streams(), 0);
        assert_eq!(pipeline.congestion_control().unwrap().snapshot().in_flight, 0);
    }
}

/// envoy#17186: a download that moved was cut by the timeout of the call.
#[tokio::test(start_paused = true)]
async fn a_download_that_moves_is_cut_by_no_timeout() {
    let service = service_fn(async |_: Request<_>| {
        let frames = stream::unfold(0, |number| async move {
            tokio::time::sleep(Duration::from_secs(30)).await;
            let frame = Ok::<_, std::io::Error>(Frame::data(Bytes::from("part ")));
            (number < 20).then_some((frame, number + 1))
        });
        Ok::<_, std::io::Error>(Response::new(StreamBody::new(Box::pin(frames))))
    });
    let client = ClientLayer::new("shop").unwrap().layer(service);
    let request = Request::get("http://shop.example/").body(Full::<Bytes>::default()).unwrap();
    let answer = client.oneshot(request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body.len(), 100, "ten minutes with a timeout of ten seconds");
}

#[tokio::test]
async fn a_download_that_stands_for_a_minute_has_failed() {
    let (sender, frames) = mpsc::channel(10);
    let frames = Arc::new(parking_lot::Mutex::new(Some(frames)));
    let address = server::answering(move |_| {
        let frames = frames.lock().take();
        async move { Response::new(body_of(frames.unwrap())) }
    })
    .await;
    let client = Client::new("shop").unwrap();
    let mut answer = client.get(format!("http://{address}/")).send().await.unwrap();
    sender.send(Ok(Frame::data(Bytes::from("some")))).await.unwrap();
    assert_eq!(answer.chunk().await.unwrap().unwrap(), "some");
    // From here on nothing moves but the clock.
    tokio::time::pause();
    let began = tokio::time::Instant::now();
    let error = answer.chunk().await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    let took = began.elapsed();
    assert!(took + Duration::from_secs(1) >= Client::BODY_IDLE, "{took:?}");
    let pipeline = client.pipeline(&address.to_string());
    assert_eq!(pipeline.congestion_control().unwrap().snapshot().streams, 0);
}

/// A server of HTTP/2 that answers one request at a time, each after a word.
async fn one_stream_at_a_time() -> (SocketAddr, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (release, releases) = mpsc::channel(10);
    let (arrive, arrivals) = mpsc::channel(20);
    let releases = Arc::new(tokio::sync::Mutex::new(releases));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (releases, arrive) = (Arc::clone(&releases), arrive.clone());
            let service = service_fn(move |_| {
                let (releases, arrive) = (Arc::clone(&releases), arrive.clone());
                async move {
                    arrive.send(()).await.unwrap();
                    releases.lock().await.recv().await;
                    Ok::<_, std::io::Error>(Response::new(Full::<Bytes>::from("answer")))
                }
            });
            let service = hyper_util::service::TowerToHyperService::new(service);
            let mut server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            server.max_concurrent_streams(1);
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    (address, arrivals, release)
}

/// hyper#2197, #3623: requests beyond the limit of streams hung for ever.
#[tokio::test]
async fn requests_beyond_the_limit_of_streams_wait_no_longer_than_their_deadline() {
    let (address, mut arrivals, releases) = one_stream_at_a_time().await;
    let http = reqwest::Client::builder().retry(reqwest::retry::never()).http2_prior_knowledge();
    let client = Client::builder("shop")
        .http(http.build().unwrap())
        .pipeline(|standard| standard.timeout(Duration::from_mins(1)))
        .build()
        .unwrap();
    // The limit is known once the server's settings came.
    releases.send(()).await.unwrap();
    client.get(format!("http://{address}/")).send().await.unwrap();
    arrivals.recv().await.unwrap();
    let first = tokio::spawn(client.get(format!("http://{address}/")).send());
    arrivals.recv().await.unwrap();
    let soon = seawall::Deadline::after(Duration::from_millis(300));
    let error = client.post(format!("http://{address}/")).deadline(soon).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let third = tokio::spawn(client.get(format!("http://{address}/")).send());
    // More than two: what was given up, or sent a second time, may be answered as well.
    for _ in 0..8 {
        releases.send(()).await.unwrap();
    }
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    assert_eq!(third.await.unwrap().unwrap().status(), 200);
}

/// rpxy 0.12.1: a body was cut where a log or a buffer ended.
#[tokio::test]
async fn large_bodies_pass_whole_both_ways() {
    for h2 in [false, true] {
        let address = server::answering(async |request| {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            Response::new(Full::new(body))
        })
        .await;
        let http = reqwest::Client::builder().retry(reqwest::retry::never());
        let http = if h2 { http.http2_prior_knowledge() } else { http };
        let client = Client::builder("shop").http(http.build().unwrap()).build().unwrap();
        let frames = (0..1_000_u32).map(|number| {
            let frame = number.to_be_bytes().repeat(1_000);
            Ok::<_, std::io::Error>(Frame::data(Bytes::from(frame)))
        });
        let body = reqwest::Body::wrap(StreamBody::new(stream::iter(frames)));
        let answer = client.put(format!("http://{address}/")).body(body).send().await.unwrap();
        let body = answer.bytes().await.unwrap();
        let expected: Vec<u8> =
            (0..1_000_u32).flat_map(|number| number.to_be_bytes().repeat(1_000)).collect();
        assert!(body == expected, "{} bytes", body.len());
    }
}
