//! The client around a channel of tonic, against a server of tonic on loopback.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use seawall::{CircuitState, Deadline};
use seawall_http::Idempotent;
use seawall_http::client::{Builder, Grpc, GrpcLayer};
use seawall_testkit::Recorder;
use tokio::net::TcpListener;
use tonic::{Code, Request, Status};
use tower::Layer;

use crate::grpc_peer::{READ, WRITE, call, channel, hello, messages, serving, stream_of};

type Source = seawall::Error<tonic::transport::Error>;

fn builder() -> Builder<Grpc> {
    GrpcLayer::builder("inventory")
        .options(GrpcLayer::options().paths([READ]))
        .pipeline(|standard| standard.timeout(Duration::from_secs(2)).breaker(|breaker| breaker))
}

fn order() -> Request<Bytes> {
    Request::new(Bytes::from_static(b"three screws"))
}

fn unavailable() -> Status {
    Status::unavailable("a rolling restart")
}

/// grpc-rust#2718: a timeout of tonic's endpoint tells the server nothing.
#[tokio::test]
async fn each_attempt_tells_the_server_how_much_time_is_left() {
    let (address, shop) =
        serving(|call| if call < 2 { Err(unavailable()) } else { Ok(hello()) }).await;
    let channel = builder().build().unwrap().layer(channel(address));
    let mut request = order();
    request.set_timeout(Duration::from_millis(1_500));
    assert_eq!(call(channel.clone(), READ, request).await.unwrap(), "hello");
    let left: Vec<_> = shop.field("grpc-timeout");
    let left = left.iter().map(|it| Deadline::from_wire(it, Duration::MAX).unwrap());
    let left: Vec<_> = left.map(|it| it.instant().unwrap()).collect();
    assert_eq!(left.len(), 3, "one for each attempt");
    // Each is counted from now, so what was said decreases by the pauses of 50 ms and more.
    let spread = left[0] - left[2];
    assert!(spread >= Duration::from_millis(60), "{spread:?}");
    assert_eq!(shop.messages(), ["three screws"; 3]);
    // Without a word of the caller it is the pipeline's, or the scope's.
    let scope = Deadline::after(Duration::from_millis(700));
    scope.scope(call(channel, READ, order())).await.unwrap();
    let said = shop.field("grpc-timeout").pop().unwrap();
    let said = Deadline::from_wire(said, Duration::MAX).unwrap().remaining().unwrap();
    assert!(said <= Duration::from_millis(700), "{said:?}");
}

#[tokio::test]
async fn what_the_server_calls_unavailable_is_repeated_where_that_does_no_harm() {
    for (path, said, calls) in
        [(READ, None, 3), (WRITE, None, 1), (WRITE, Some(true), 3), (READ, Some(false), 1)]
    {
        let (address, shop) = serving(|_| Err(unavailable())).await;
        let mut request = order();
        if let Some(said) = said {
            request.extensions_mut().insert(Idempotent(said));
        }
        let channel = builder().build().unwrap().layer(channel(address));
        let status = call(channel, path, request).await.unwrap_err();
        assert_eq!((status.code(), status.message()), (Code::Unavailable, "a rolling restart"));
        assert_eq!(shop.calls(), calls, "{path} {said:?}");
    }
}

#[tokio::test]
async fn what_the_server_refuses_for_good_is_asked_once() {
    for status in [Status::not_found("item"), Status::aborted("transaction")] {
        let expected = status.code();
        let (address, shop) = serving(move |_| Err(status.clone())).await;
        let channel = builder().build().unwrap().layer(channel(address));
        assert_eq!(call(channel, READ, order()).await.unwrap_err().code(), expected);
        assert_eq!(shop.calls(), 1);
    }
}

#[tokio::test]
async fn a_call_that_found_no_connection_is_repeated_whatever_it_does() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let recorder = Recorder::default();
    let heard = recorder.clone();
    let layer = builder()
        .pipeline(move |standard| standard.timeout(Duration::from_secs(2)).listener(heard.clone()))
        .build()
        .unwrap();
    let status = call(layer.layer(channel(address)), WRITE, order()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable, "{status}");
    recorder.assert_kinds(&["retrying", "retrying", "gave_up"]);
}

/// envoy#17629, #11049, linkerd2#7701: a status that comes after messages counted for nothing.
#[tokio::test]
async fn a_status_in_trailers_counts_and_is_repeated_only_before_any_message() {
    let broken = || messages(vec![Ok(Bytes::from_static(b"half")), Err(unavailable())]);
    let (address, shop) = serving(move |_| Ok(broken())).await;
    let layer = builder().wait_for_body().build().unwrap();
    let status = call(layer.layer(channel(address)), READ, order()).await.unwrap_err();
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(shop.calls(), 1, "a message went out");
    let failures = layer.pipeline().breaker().unwrap().snapshot().totals.failures;
    assert_eq!(failures, 1, "the head is well, and the trailers are not");

    let empty = |number| Ok(if number < 2 { messages(vec![Err(unavailable())]) } else { hello() });
    let (address, shop) = serving(empty).await;
    let answer = call(layer.layer(channel(address)), READ, order()).await.unwrap();
    assert_eq!((answer.as_ref(), shop.calls()), (&b"hello"[..], 3));
    // By default the head is the answer.
    let (address, shop) = serving(empty).await;
    let layer = builder().build().unwrap();
    let status = call(layer.layer(channel(address)), READ, order()).await.unwrap_err();
    assert_eq!((status.code(), shop.calls()), (Code::Unavailable, 1));
}

#[tokio::test]
async fn a_call_without_an_answer_ends_with_a_status_that_has_the_pipelines_error() {
    let (address, _) = serving(|_| Ok(stream::pending().boxed())).await;
    let layer = builder()
        .pipeline(|standard| {
            standard.timeout(Duration::from_millis(200)).breaker(|breaker| breaker)
        })
        .wait_for_body()
        .build()
        .unwrap();
    let channel = layer.layer(channel(address));
    let status = call(channel.clone(), WRITE, order()).await.unwrap_err();
    assert_eq!(status.code(), Code::DeadlineExceeded, "{status}");
    let source = status.source().unwrap().downcast_ref::<Source>().unwrap();
    assert!(source.is_timeout());

    let breaker = layer.pipeline().breaker().unwrap().clone();
    breaker.force_open();
    let status = call(channel, WRITE, order()).await.unwrap_err();
    assert_eq!((status.code(), breaker.state()), (Code::Unavailable, CircuitState::ForcedOpen));
    assert!(status.message().contains("inventory"), "{status}");
}

#[tokio::test]
async fn a_stream_of_messages_holds_its_place_until_it_has_ended() {
    let (address, _) = serving(|_| {
        let first = stream::iter([Ok(Bytes::from_static(b"first"))]);
        Ok(first.chain(stream::pending()).boxed())
    })
    .await;
    let layer = builder().build().unwrap();
    let channel = layer.layer(channel(address));
    let streams = || layer.pipeline().congestion_control().unwrap().snapshot().streams;
    let mut first = stream_of(channel.clone(), READ, order()).await.unwrap();
    let second = stream_of(channel, READ, order()).await.unwrap();
    assert_eq!(first.message().await.unwrap().unwrap(), "first");
    assert_eq!(streams(), 2);
    drop(second);
    assert_eq!(streams(), 1);
    drop(first);
    assert_eq!(streams(), 0);
}
