//! Servers of HTTP/2 that refuse a stream or go away, and what may be sent again then.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::server::SendResponse;
use http::{Method, Response};
use seawall::CarriedOut;
use seawall_http::{Client, class};
use tokio::net::TcpListener;

/// What becomes of each request, in the order in which they come; the rest is answered.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deed {
    Reset(Reason),
    GoAway(Reason),
}

fn answer(mut respond: SendResponse<Bytes>) {
    let mut stream = respond.send_response(Response::new(()), false).unwrap();
    stream.send_data(Bytes::from_static(b"answer"), true).unwrap();
}

async fn serving(deeds: &'static [Deed]) -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counted = Arc::clone(&counted);
            tokio::spawn(async move {
                let Ok(mut connection) = h2::server::handshake(stream).await else { return };
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    let number = counted.fetch_add(1, Ordering::SeqCst);
                    match deeds.get(number) {
                        None => answer(respond),
                        Some(Deed::Reset(reason)) => respond.send_reset(*reason),
                        Some(Deed::GoAway(reason)) => connection.abrupt_shutdown(*reason),
                    }
                }
            });
        }
    });
    (address, count)
}

fn client() -> Client {
    let http = reqwest::Client::builder()
        .http2_prior_knowledge()
        .retry(reqwest::retry::never())
        .build()
        .unwrap();
    Client::builder("shop")
        .http(http)
        .pipeline(|standard| standard.timeout(Duration::from_secs(2)))
        .build()
        .unwrap()
}

/// nginx#1724, HTTP.jl#1294: a stream that was refused was given up.
#[tokio::test]
async fn a_refused_stream_is_sent_again_whatever_the_method() {
    for method in [Method::GET, Method::POST] {
        let (address, count) = serving(&[Deed::Reset(Reason::REFUSED_STREAM)]).await;
        let call = client().request(method, format!("http://{address}/")).body("order").send();
        assert_eq!(call.await.unwrap().text().await.unwrap(), "answer");
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }
}

/// pingora#979: a POST that was written was sent a second time after the connection broke.
#[tokio::test]
async fn a_post_is_not_sent_again_after_a_reset_or_an_error_of_the_connection() {
    for deed in [
        &[Deed::Reset(Reason::INTERNAL_ERROR)][..],
        &[Deed::Reset(Reason::CANCEL)],
        &[Deed::GoAway(Reason::PROTOCOL_ERROR)],
        &[Deed::GoAway(Reason::INTERNAL_ERROR)],
    ] {
        let (address, count) = serving(deed).await;
        let call = client().post(format!("http://{address}/")).body("order").send();
        let error = call.await.unwrap_err();
        let verdict = class::of_error(error.operation().unwrap());
        assert_eq!(verdict.carried_out, CarriedOut::Maybe, "{deed:?}: {error}");
        assert_eq!(count.load(Ordering::SeqCst), 1, "{deed:?}");
        // A GET is.
        let (address, count) = serving(deed).await;
        let answer = client().get(format!("http://{address}/")).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(count.load(Ordering::SeqCst), 2, "{deed:?}");
    }
}

/// An error of a stream of ours is no word of the server.
#[test]
fn what_was_not_said_by_the_server_proves_nothing() {
    let own: h2::Error = Reason::REFUSED_STREAM.into();
    assert_eq!(class::of_error(&own).carried_out, CarriedOut::Maybe);
}
