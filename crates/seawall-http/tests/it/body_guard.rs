//! What is held to the end of a body.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use parking_lot::Mutex;
use seawall::policy::catch;
use seawall::shutdown::InFlight;
use seawall::{AdaptiveLimit, Breaker, Bulkhead, Error, Pipeline, Reason};
use seawall_http::body_guard::FailedBodies;
use seawall_http::{BodyEnd, GuardedBody, HoldLayer};
use seawall_tower::PipelineLayer;
use tokio::sync::mpsc;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::server;

/// A body of these frames.
struct Frames(std::vec::IntoIter<io::Result<Frame<Bytes>>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        Poll::Ready(self.0.next())
    }
}

fn frames(frames: Vec<io::Result<Frame<Bytes>>>) -> Frames {
    Frames(frames.into_iter())
}

fn data() -> Frame<Bytes> {
    Frame::data(Bytes::from_static(b"data"))
}

/// Notes how the body ended.
fn noted() -> (impl FnOnce(BodyEnd), Arc<Mutex<Option<BodyEnd>>>) {
    let end = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&end);
    (move |how| assert!(noted.lock().replace(how).is_none()), end)
}

#[tokio::test]
async fn each_end_is_reported_once() {
    let complete = BodyEnd::Complete { grpc_status: None };
    let (guard, end) = noted();
    let mut body = GuardedBody::new(frames(vec![Ok(data()), Ok(data())]), guard);
    for _ in 0..2 {
        body.frame().await.unwrap().unwrap();
        assert_eq!(*end.lock(), None);
    }
    assert!(body.frame().await.is_none());
    assert_eq!(*end.lock(), Some(complete));
    drop(body);

    let (guard, end) = noted();
    let mut body =
        GuardedBody::new(frames(vec![Ok(data()), Err(io::Error::other("reset"))]), guard);
    body.frame().await.unwrap().unwrap();
    assert_eq!(body.frame().await.unwrap().unwrap_err().to_string(), "reset");
    assert_eq!(*end.lock(), Some(BodyEnd::Failed));

    let (guard, end) = noted();
    let mut body = GuardedBody::new(frames(vec![Ok(data()), Ok(data())]), guard);
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(*end.lock(), Some(BodyEnd::Dropped));

    // One that shows its end with its last frame is not asked for another, by hyper for instance.
    let (guard, end) = noted();
    let mut body = GuardedBody::new(Full::new(Bytes::from_static(b"all")), guard);
    body.frame().await.unwrap().unwrap();
    assert_eq!(*end.lock(), Some(complete));
    let (guard, end) = noted();
    drop(GuardedBody::new(Empty::<Bytes>::new(), guard));
    assert_eq!(*end.lock(), Some(complete));
}

#[tokio::test]
async fn the_status_of_grpc_in_the_trailers_is_known_at_the_end() {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static("14"));
    let (guard, end) = noted();
    let mut body = GuardedBody::new(frames(vec![Ok(data()), Ok(Frame::trailers(trailers))]), guard);
    for _ in 0..2 {
        body.frame().await.unwrap().unwrap();
    }
    assert_eq!(*end.lock(), Some(BodyEnd::Complete { grpc_status: Some(14) }));
}

fn client(http2: bool) -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new()).http2_only(http2).build_http()
}

/// A body that panics after its first frame.
struct Panicking(bool);

impl Body for Panicking {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        assert!(!std::mem::replace(&mut self.0, true), "planned: in the body");
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"data")))))
    }
}

#[tokio::test]
async fn a_panic_of_the_body_ends_the_guard_and_goes_on() {
    let (guard, end) = noted();
    let mut body = GuardedBody::new(Panicking(false), guard);
    body.frame().await.unwrap().unwrap();
    let polled = catch(|| {
        let mut cx = Context::from_waker(Waker::noop());
        Pin::new(&mut body).poll_frame(&mut cx).is_ready()
    });
    assert!(polled.is_err());
    assert_eq!(*end.lock(), Some(BodyEnd::Panicked));
}

/// Frames as a test sends them.
struct Sent(mpsc::Receiver<Bytes>);

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

async fn until(condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("in time");
}

/// tower-http#447, vllm router#280, gears-rust#4880: a permit that ended with the head of the answer.
#[tokio::test]
async fn a_permit_is_held_to_the_end_of_the_body_over_real_connections() {
    let bulkhead = Bulkhead::builder().limit(1).build().unwrap();
    let in_flight = InFlight::new();
    let senders = Arc::new(Mutex::new(Vec::new()));
    let hold = (HoldLayer::new(bulkhead.clone()), HoldLayer::new(in_flight.clone()));
    let address = server::answering({
        let senders = Arc::clone(&senders);
        move |request| {
            let senders = Arc::clone(&senders);
            let inner = service_fn(move |_: Request<_>| {
                let (sender, receiver) = mpsc::channel(1);
                senders.lock().push(sender);
                async { Ok::<_, Error<Infallible>>(Response::new(Sent(receiver))) }
            });
            let mut service = hold.0.layer(hold.1.layer(inner));
            async move {
                match service.call(request).await {
                    Ok(answer) => answer.map(|body| body.map_err(io::Error::other).boxed()),
                    Err(error) => {
                        assert_eq!(error.rejection().unwrap().reason(), Reason::Full);
                        let body = Empty::new().map_err(io::Error::other).boxed();
                        Response::builder().status(503).body(body).unwrap()
                    }
                }
            }
        }
    })
    .await;
    for http2 in [false, true] {
        let client = client(http2);
        let url: Uri = format!("http://{address}/").parse().unwrap();
        // Read to its end.
        let answer = client.get(url.clone()).await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!((bulkhead.snapshot().in_flight, in_flight.count()), (1, 1), "after the head");
        assert_eq!(client.get(url.clone()).await.unwrap().status(), 503);
        let sender = senders.lock().pop().unwrap();
        sender.send(Bytes::from_static(b"part")).await.unwrap();
        let mut body = answer.into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "part");
        assert_eq!(bulkhead.snapshot().in_flight, 1, "while the body moves");
        drop(sender);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "");
        until(|| bulkhead.snapshot().in_flight == 0 && in_flight.count() == 0).await;
        // The client goes away.
        let answer = client.get(url.clone()).await.unwrap();
        assert_eq!(bulkhead.snapshot().in_flight, 1);
        drop(answer);
        let sender = senders.lock().pop().unwrap();
        until(|| {
            // Over HTTP/1.1 only writing shows it.
            drop(sender.try_send(Bytes::from_static(b"more")));
            bulkhead.snapshot().in_flight == 0 && in_flight.count() == 0
        })
        .await;
    }
}

#[tokio::test]
async fn limits_refuse_with_the_pipelines_error_until_the_body_has_ended() {
    macro_rules! refuses {
        ($limit:expr) => {
            let pipeline = Pipeline::builder("shop").build().unwrap();
            let service = ServiceBuilder::new()
                .layer(HoldLayer::new($limit))
                .layer(PipelineLayer::new(pipeline))
                .service(service_fn(async |_: Request<()>| {
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
                }));
            let first = service.clone().oneshot(Request::new(())).await.unwrap();
            let refused = service.clone().oneshot(Request::new(())).await.unwrap_err();
            assert_eq!(refused.rejection().unwrap().reason(), Reason::Full);
            first.into_body().collect().await.unwrap();
            assert!(service.oneshot(Request::new(())).await.is_ok());
        };
    }
    refuses!(Bulkhead::builder().limit(1).build().unwrap());
    refuses!(AdaptiveLimit::builder().min(1).initial(1).max(1).build().unwrap());
}

/// envoy#17629, #11049: a status in trailers that nobody counted.
#[tokio::test]
async fn a_body_that_fails_after_a_good_head_is_one_failure_more() {
    let trailers = |code| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", HeaderValue::from_static(code));
        Ok(Frame::trailers(trailers))
    };
    for (last, failures) in [
        (Ok(data()), 0),
        (Err(io::Error::other("reset")), 1),
        (trailers("0"), 0),
        (trailers("14"), 1),
        // The caller's own mistake.
        (trailers("3"), 0),
    ] {
        let breaker = Breaker::builder().build().unwrap();
        let guard = FailedBodies(breaker.clone());
        let mut body = GuardedBody::new(frames(vec![Ok(data()), last]), guard);
        while body.frame().await.is_some() {}
        assert_eq!(breaker.snapshot().totals.failures, failures);
    }
    let breaker = Breaker::builder().build().unwrap();
    drop(GuardedBody::new(frames(vec![Ok(data())]), FailedBodies(breaker.clone())));
    assert_eq!(breaker.snapshot().totals.failures, 0, "dropped");
}
