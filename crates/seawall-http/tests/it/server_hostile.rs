//! Clients that go away at any place, and that send what they should not. Each leaves nothing behind, and
//! the server serves on.

use bytes::Bytes;
use http::Request;
use tokio::io::AsyncWriteExt;

use crate::served::{Settings, in_time};
use crate::whole::{KEPT, whole};

/// caddy#7396 (G15): the client goes away, at each place.
#[tokio::test]
async fn a_client_that_goes_away_leaves_nothing_behind() {
    let whole = whole(Settings::default()).await;
    for resets in [false, true] {
        for (sent, answered) in [
            ("", ""),
            ("GET / HT", ""),
            ("GET /wait HTTP/1.1\r\nhost: test\r\n\r\n", ""),
            ("POST /upload HTTP/1.1\r\nhost: test\r\ncontent-length: 9\r\n\r\nabc", ""),
            (
                "POST /upload HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n5\r\nab",
                "",
            ),
            ("GET /endless HTTP/1.1\r\nhost: test\r\n\r\n", "HTTP/1.1 200"),
            (
                "GET / HTTP/1.1\r\nhost: test\r\n\r\nGET /wait HTTP/1.1\r\nhost: test\r\n\r\n",
                "hello",
            ),
        ] {
            let mut client = whole.connect().await;
            client.send(sent).await;
            client.until(answered).await;
            if sent.contains("/wait") || sent.contains("/upload") {
                in_time(async {
                    while whole.alive.now() == 0 {
                        tokio::task::yield_now().await;
                    }
                })
                .await;
            }
            if resets {
                // Closed with what was not read: a reset.
                client.0.set_zero_linger().unwrap();
            }
            drop(client);
            whole.is_well().await;
        }
    }
}

/// The same over HTTP/2: a stream that is reset, and a connection that is dropped.
#[tokio::test]
async fn a_stream_that_is_reset_leaves_nothing_behind() {
    let whole = whole(Settings::default()).await;
    for path in ["/wait", "/endless", "/upload"] {
        for drops_connection in [false, true] {
            let stream = whole.connect().await.0;
            let (mut h2, connection) = h2::client::handshake(stream).await.unwrap();
            let connection = tokio::spawn(connection);
            let request = Request::post(format!("http://test{path}")).body(()).unwrap();
            let (answer, mut body) = h2.send_request(request, false).unwrap();
            body.send_data(Bytes::from_static(b"part"), false).unwrap();
            in_time(async {
                while whole.limit.snapshot().in_flight == 0 {
                    tokio::task::yield_now().await;
                }
            })
            .await;
            if drops_connection {
                connection.abort();
            } else {
                body.send_reset(h2::Reason::CANCEL);
            }
            drop((answer, body, h2));
            whole.is_well().await;
        }
    }
}

/// CVE-2023-44487: streams that are opened and reset as fast as can be.
#[tokio::test]
async fn rapid_resets_end_their_connection_and_no_other() {
    let whole = whole(Settings::default()).await;
    let mut other = whole.connect().await;
    other.send(KEPT).await;
    other.until("hello").await;
    let stream = whole.connect().await.0;
    let (mut h2, connection) = h2::client::handshake(stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let ended = loop {
        if let Err(error) = in_time(std::future::poll_fn(|cx| h2.poll_ready(cx))).await {
            break error;
        }
        let request = Request::get("http://test/wait").body(()).unwrap();
        match h2.send_request(request, false) {
            Ok((_, mut body)) => body.send_reset(h2::Reason::CANCEL),
            Err(error) => break error,
        }
        tokio::task::yield_now().await;
    };
    drop(ended);
    let error = in_time(connection).await.unwrap().unwrap_err();
    // The word may be lost where the client still writes.
    assert!(error.is_io() || error.reason() == Some(h2::Reason::ENHANCE_YOUR_CALM), "{error}");
    other.send(KEPT).await;
    other.until("hello").await;
    whole.is_well().await;
}

/// haproxy#1101, e2guardian#136 (G33): answers without a body are followed by the next.
#[tokio::test]
async fn answers_that_have_no_body_send_none() {
    let whole = whole(Settings::default()).await;
    let mut client = whole.connect().await;
    for (request, status) in
        [("HEAD /", "200"), ("GET /204", "204"), ("GET /304", "304"), ("HEAD /endless", "200")]
    {
        client.send(format!("{request} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        let head = client.until("\r\n\r\n").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {status}")), "{request}: {head}");
        assert!(head.ends_with("\r\n\r\n"), "{request} has a body: {head}");
    }
    client.send(KEPT).await;
    assert!(client.until("hello").await.starts_with("HTTP/1.1 200"));
    whole.is_well().await;
}

/// hotaru#28, fastify-http-proxy#474 (G29): an answer before the end of the request's body. What comes
/// after it on the connection is an answer to the next request, or nothing.
#[tokio::test]
async fn an_answer_before_the_end_of_the_body_confuses_nobody() {
    let whole = whole(Settings::default()).await;
    for sent_after in [4, 100_000] {
        let mut client = whole.connect().await;
        let head = "POST /early HTTP/1.1\r\nhost: test\r\ncontent-length: 100000\r\n\r\n";
        client.send(head).await;
        client.until("too large").await;
        let rest = vec![b'G'; sent_after];
        // The server may have closed the connection already.
        let _ = client.0.write_all(&rest).await;
        let _ = client.0.write_all(KEPT.as_bytes()).await;
        let after = if sent_after == 4 { String::new() } else { client.rest().await };
        assert!(after.is_empty() || after.starts_with("HTTP/1.1 200"), "{after}");
        drop(client);
        whole.is_well().await;
    }
}

/// membrane#3187 (G30): a body that breaks is the client's fault.
#[tokio::test]
async fn a_malformed_body_is_refused_and_closes_the_connection() {
    let whole = whole(Settings::default()).await;
    for chunk in ["zz\r\nab\r\n", "5;x\r\nabcdefg\r\n", "ffffffffffffffffff\r\nab"] {
        let mut client = whole.connect().await;
        let head = "POST /upload HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n";
        client.send(format!("{head}{chunk}")).await;
        let said = client.rest().await;
        assert!(said.starts_with("HTTP/1.1 400"), "{chunk:?}: {said}");
        whole.is_well().await;
    }
}

/// haproxy#3316 (G31): a client that asks first gets its 100 when the body is read, and only then.
#[tokio::test]
async fn a_client_that_expects_100_is_answered() {
    let whole = whole(Settings::default()).await;
    let mut client = whole.connect().await;
    let expects = "host: test\r\ncontent-length: 4\r\nexpect: 100-continue\r\n\r\n";
    client.send(format!("POST /upload HTTP/1.1\r\n{expects}")).await;
    assert!(client.until("\r\n\r\n").await.starts_with("HTTP/1.1 100"));
    client.send("abcd").await;
    assert!(client.until("\r\n\r\n4").await.starts_with("HTTP/1.1 200"));
    client.send(format!("POST /early HTTP/1.1\r\n{expects}")).await;
    assert!(client.until("too large").await.starts_with("HTTP/1.1 413"), "without a 100");
    drop(client);
    whole.is_well().await;
}

#[tokio::test]
async fn a_request_knows_who_sends_it() {
    let whole = whole(Settings::default()).await;
    let mut client = whole.connect().await;
    client.send("GET /peer HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
    let own = client.0.local_addr().unwrap();
    assert!(client.rest().await.ends_with(&own.to_string()));
}
