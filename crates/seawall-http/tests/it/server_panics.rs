//! Panics of a handler and of its body: answered or reset, and reported.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response, Uri};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use seawall::shutdown::InFlight;
use seawall::{Error, EventKind, PanicGuard};
use seawall_http::{HoldLayer, RespondLayer};
use seawall_testkit::Recorder;
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use crate::by_hand::by_hand;
use crate::server;

/// A body of one frame that panics at its second poll, or when it is dropped.
struct Panicking {
    sent: bool,
    when_dropped: bool,
}

impl Body for Panicking {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if std::mem::replace(&mut self.sent, true) {
            assert!(self.when_dropped, "planned: in the body");
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"data")))))
    }
}

impl Drop for Panicking {
    fn drop(&mut self) {
        assert!(!self.when_dropped, "planned: in the drop of a body");
    }
}

fn guard() -> (PanicGuard, Recorder) {
    let recorder = Recorder::default();
    let builder = PanicGuard::builder().name("shop");
    let listeners = seawall::Listeners::default();
    listeners.add(recorder.clone());
    (builder.listeners(&listeners).build().unwrap(), recorder)
}

fn is_reported(recorder: &Recorder, message: &str) -> bool {
    recorder.events().iter().any(|event| {
        matches!(&event.kind, EventKind::Panicked(report) if report.message.contains(message))
    })
}

/// tower-http#214: a panic in a body was nobody's.
#[tokio::test]
async fn a_panic_in_a_body_resets_the_stream_and_is_reported() {
    let (guard, recorder) = guard();
    let in_flight = InFlight::new();
    let layers = ServiceBuilder::new()
        .layer(RespondLayer::new().panic_guard(guard.clone()))
        .layer(HoldLayer::new(in_flight.clone()));
    let address = server::answering(move |request| {
        let mut service = layers.clone().service(service_fn(async |_: Request<_>| {
            let body = Panicking { sent: false, when_dropped: false };
            Ok::<_, Error<Infallible>>(Response::new(body))
        }));
        async move { service.call(request).await.unwrap() }
    })
    .await;
    for http2 in [false, true] {
        let client: Client<_, Full<Bytes>> =
            Client::builder(TokioExecutor::new()).http2_only(http2).build_http();
        for _ in 0..3 {
            let url: Uri = format!("http://{address}/").parse().unwrap();
            // The head may be lost with the stream, but no body ends as if it were whole.
            if let Ok(answer) = client.get(url).await {
                assert!(answer.into_body().collect().await.is_err());
            }
        }
    }
    assert_eq!(guard.caught(), 6);
    assert!(is_reported(&recorder, "planned: in the body"));
    assert_eq!(in_flight.count(), 0);
}

#[tokio::test]
async fn a_panic_in_the_drop_of_a_body_spoils_no_answer() {
    let (guard, recorder) = guard();
    let mut service = RespondLayer::new().panic_guard(guard).layer(service_fn(async |_| {
        let body = Panicking { sent: false, when_dropped: true };
        Ok::<_, Error<Infallible>>(Response::new(body))
    }));
    let answer = service.call(Request::new(())).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "data");
    assert!(is_reported(&recorder, "planned: in the drop of a body"));
}

#[tokio::test]
async fn a_panic_in_the_call_and_of_the_future_are_answers() {
    for in_call in [true, false] {
        let (guard, recorder) = guard();
        let service =
            RespondLayer::new().panic_guard(guard).layer(service_fn(move |_: Request<()>| {
                assert!(!in_call, "planned: in the call");
                async move {
                    assert!(in_call, "planned: in the future");
                    Ok::<_, Error<Infallible>>(Response::new(Full::<Bytes>::default()))
                }
            }));
        let answer = service.oneshot(Request::new(())).await.unwrap();
        assert_eq!(answer.status(), 500);
        let text = answer.into_body().collect().await.unwrap().to_bytes();
        assert!(text.windows(8).any(|part| part == b"panicked"), "{text:?}");
        assert!(is_reported(&recorder, if in_call { "in the call" } else { "in the future" }));
    }
}

/// T13: a service whose readiness panics.
#[tokio::test]
async fn a_panic_in_poll_ready_is_the_answer_to_the_next_request() {
    struct Unready;

    impl Service<Request<()>> for Unready {
        type Response = Response<Full<Bytes>>;
        type Error = Error<Infallible>;
        type Future = std::future::Pending<Result<Self::Response, Self::Error>>;

        fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
            panic!("planned: in poll_ready");
        }

        fn call(&mut self, _: Request<()>) -> Self::Future {
            unreachable!("it is never ready")
        }
    }

    let (guard, recorder) = guard();
    let service = RespondLayer::new().panic_guard(guard).layer(Unready);
    assert_eq!(service.oneshot(Request::new(())).await.unwrap().status(), 500);
    assert!(is_reported(&recorder, "planned: in poll_ready"));
}

#[tokio::test]
async fn a_panic_in_the_drop_of_a_future_is_contained() {
    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("planned: in the drop of a future");
        }
    }

    for is_answered in [true, false] {
        let (guard, recorder) = guard();
        let mut service = RespondLayer::new().panic_guard(guard).layer(service_fn(
            move |_: Request<()>| async move {
                let bomb = Bomb;
                if !is_answered {
                    std::future::pending::<()>().await;
                }
                std::mem::forget(bomb);
                Ok::<_, Error<Infallible>>(Response::new(Full::<Bytes>::default()))
            },
        ));
        let mut call = by_hand(service.call(Request::new(())));
        assert_eq!(call.poll().is_some(), is_answered);
        drop(call);
        assert_eq!(is_reported(&recorder, "planned: in the drop"), !is_answered);
    }
}
