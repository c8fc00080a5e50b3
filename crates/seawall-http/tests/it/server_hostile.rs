//! Clients that are slow, that stop, that go away at any place. Each leaves nothing behind, and the
//! server serves on.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty, Full, combinators::BoxBody};
use hyper::body::Incoming;
use seawall::{Bulkhead, Shutdown};
use seawall_http::server::Peer;
use seawall_http::{Problem, ServerLayer};
use seawall_testkit::Alive;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tower::{Layer, Service, service_fn};

use crate::served::{Raw, Served, Settings, in_time, served};

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// A body without an end, which is read as fast as the client reads.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 16_384])))))
    }
}

fn full(text: &'static str) -> BoxBody<Bytes, Infallible> {
    Full::from(text).boxed()
}

/// What is behind the layers, by the path.
async fn handle(request: Request<Incoming>, alive: Alive) -> Answer {
    let _here = alive.token();
    match request.uri().path() {
        "/wait" => std::future::pending().await,
        "/endless" => Response::new(Endless.boxed()),
        "/upload" => match request.into_body().collect().await {
            Ok(body) => Response::new(Full::from(body.to_bytes().len().to_string()).boxed()),
            Err(_) => Response::builder().status(400).body(full("bad body")).unwrap(),
        },
        "/echo" => {
            let answer = Response::builder().header("trailer", "x-sum");
            // A body that breaks ends the answer, which has to be seen as broken.
            answer
                .body(request.into_body().map_err(|_| panic!("planned: it broke")).boxed())
                .unwrap()
        }
        "/panic" => panic!("planned"),
        "/full" => {
            let refusal = seawall::Rejection::new(
                "full".into(),
                seawall::PolicyKind::Bulkhead,
                seawall::Reason::Full,
            );
            let answer = Problem::of(&seawall::Error::<Infallible>::from(refusal));
            answer
                .to_response::<String>(&seawall::Random::default())
                .map(|text| Full::from(text).boxed())
        }
        "/early" => Response::builder().status(413).body(full("too large")).unwrap(),
        "/204" => Response::builder().status(204).body(full("no body goes out")).unwrap(),
        "/304" => Response::builder().status(304).body(full("no body goes out")).unwrap(),
        "/peer" => {
            let peer: &Peer = request.extensions().get().unwrap();
            Response::new(Full::from(peer.0.to_string()).boxed())
        }
        "/upgrade" => {
            tokio::spawn(async move {
                let upgraded = hyper::upgrade::on(request).await.unwrap();
                let mut io = hyper_util::rt::TokioIo::new(upgraded);
                let mut bytes = [0; 4];
                while io.read_exact(&mut bytes).await.is_ok() {
                    io.write_all(&bytes).await.unwrap();
                }
            });
            let answer = Response::builder().status(101).header("connection", "upgrade");
            answer.header("upgrade", "echo").body(Empty::new().boxed()).unwrap()
        }
        _ => Response::new(full("hello")),
    }
}

/// A server with all of its layers, and what shows that nothing is left behind.
pub(crate) struct Whole {
    server: Served,
    limit: Bulkhead,
    alive: Alive,
}

pub(crate) async fn whole(settings: Settings) -> Whole {
    let limit = Bulkhead::builder().limit(64).build().unwrap();
    let layer = ServerLayer::builder("shop").limit(limit.clone()).build().unwrap();
    let alive = Alive::default();
    let seen = alive.clone();
    let shutdown = Shutdown::builder().build().unwrap();
    let server = served(shutdown, settings, move |request| {
        let seen = seen.clone();
        let mut service = layer.layer(service_fn(move |request| {
            let answer = handle(request, seen.clone());
            async { Ok::<_, Infallible>(answer.await) }
        }));
        async move { service.call(request).await.unwrap() }
    });
    Whole { server: server.await, limit, alive }
}

impl Whole {
    pub(crate) const fn address(&self) -> SocketAddr {
        self.server.address
    }

    async fn connect(&self) -> Raw {
        self.server.connect().await
    }

    /// Nothing is left of those that came, and a new client is served.
    pub(crate) async fn is_well(&self) {
        in_time(async {
            while self.limit.snapshot().in_flight > 0
                || self.server.shutdown.in_flight().count() > 0
                || self.alive.now() > 0
            {
                tokio::task::yield_now().await;
            }
        })
        .await;
        let mut client = self.connect().await;
        client.send("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n").await;
        assert!(client.rest().await.ends_with("hello"));
    }
}

const KEPT: &str = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";

/// hyper#3756, #3185, #3970 (G63): connections that sent nothing, or little, stayed for ever.
#[tokio::test]
async fn slow_heads_end_and_idle_connections_stay() {
    let head_within = Some(Duration::from_millis(150));
    let whole = whole(Settings { head_within, ..Settings::default() }).await;
    let mut idle = whole.connect().await;
    idle.send(KEPT).await;
    idle.until("hello").await;
    let idle_h2 = whole.connect().await;
    let (mut h2, connection) = h2::client::handshake(idle_h2.0).await.unwrap();
    tokio::spawn(connection);
    for part in ["", "G", "GET / HTTP/1.1\r\nhost: te", "PRI * HTTP/2.0\r\n\r\nSM"] {
        let mut slow = whole.connect().await;
        slow.send(part).await;
        let said = slow.rest().await;
        assert!(said.is_empty() || said.starts_with("HTTP/1.1 408"), "{part:?}: {said}");
    }
    // More bytes change nothing: it is the whole head that has to come in time.
    let mut slow = whole.connect().await;
    for part in ["GET ", "/ HTTP/1.1\r\n", "host: te"] {
        slow.send(part).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(slow.rest().await, "");
    // A second head on a kept connection, after the idle time that is allowed.
    idle.send(KEPT).await;
    idle.until("hello").await;
    idle.send("GET / HTT").await;
    assert_eq!(idle.rest().await, "");
    let request = Request::get("http://test/").body(()).unwrap();
    let (answer, _) = h2.send_request(request, true).unwrap();
    assert_eq!(in_time(answer).await.unwrap().status(), 200);
    whole.is_well().await;
}

/// A handler that takes longer than a head may is no slow head.
#[tokio::test]
async fn a_slow_handler_is_no_slow_head() {
    let head_within = Some(Duration::from_millis(100));
    let whole = whole(Settings { head_within, ..Settings::default() }).await;
    let mut waits = whole.connect().await;
    waits.send("GET /wait HTTP/1.0\r\n\r\n").await;
    let mut uploads = whole.connect().await;
    uploads.send("POST /upload HTTP/1.1\r\nhost: t\r\ncontent-length: 4\r\n\r\nab").await;
    let mut silent = whole.connect().await;
    silent.rest().await;
    let mut silent = whole.connect().await;
    silent.rest().await;
    uploads.send("cd").await;
    assert!(uploads.until("\r\n\r\n4").await.starts_with("HTTP/1.1 200"));
    assert_eq!(whole.alive.now(), 1);
    drop(waits);
    whole.is_well().await;
}

/// envoy#17186 (G36): a client that reads nothing for too long held its place for ever. One that reads
/// is never cut, however long it takes.
#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_and_one_that_reads_is_not() {
    let stalled_after = Some(Duration::from_millis(150));
    let whole = whole(Settings { stalled_after, ..Settings::default() }).await;
    let mut reads = whole.connect().await;
    reads.send("GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await;
    reads.until("xxx").await;
    let mut reads_nothing = whole.connect().await;
    reads_nothing.send("GET /endless HTTP/1.1\r\nhost: test\r\n\r\n").await;
    let nothing_h2 = whole.connect().await;
    let mut builder = h2::client::Builder::new();
    builder.initial_window_size(1 << 30).initial_connection_window_size(1 << 30);
    let (mut h2, mut connection) = builder.handshake::<_, Bytes>(nothing_h2.0).await.unwrap();
    let request = Request::get("http://test/endless").body(()).unwrap();
    let (answer, _) = h2.send_request(request, true).unwrap();
    // The request goes out and the head comes in. From then on nobody polls the connection.
    tokio::select! {
        answer = answer => assert_eq!(answer.unwrap().status(), 200),
        ended = &mut connection => panic!("{ended:?}"),
    }
    let mut buffer = vec![0; 65_536];
    in_time(async {
        while whole.limit.snapshot().in_flight > 1 {
            reads.0.read_exact(&mut buffer).await.unwrap();
        }
    })
    .await;
    for _ in 0..32 {
        reads.0.read_exact(&mut buffer).await.unwrap();
    }
    assert!(buffer.contains(&b'x'));
    drop(reads);
    whole.is_well().await;
    drop((reads_nothing, connection));
}

/// G36 over HTTP/2: the connection moves, and one stream does not, as its window is shut.
#[tokio::test]
async fn a_stream_whose_window_stays_shut_is_cut_and_the_connection_lives() {
    let stalled_after = Some(Duration::from_millis(150));
    let whole = whole(Settings { stalled_after, ..Settings::default() }).await;
    let stream = whole.connect().await.0;
    let mut builder = h2::client::Builder::new();
    builder.initial_connection_window_size(1 << 24);
    let (mut h2, connection) = builder.handshake::<_, Bytes>(stream).await.unwrap();
    tokio::spawn(connection);
    let get = |h2: &mut h2::client::SendRequest<Bytes>, path: &str| {
        let request = Request::get(format!("http://test{path}")).body(()).unwrap();
        h2.send_request(request, true).unwrap().0
    };
    let shut = in_time(get(&mut h2, "/endless")).await.unwrap();
    let mut moves = in_time(get(&mut h2, "/endless")).await.unwrap().into_body();
    in_time(async {
        while whole.limit.snapshot().in_flight > 1 {
            let part = moves.data().await.unwrap().unwrap();
            moves.flow_control().release_capacity(part.len()).unwrap();
        }
    })
    .await;
    // What was on its way comes, then the reset.
    let mut shut = shut.into_body();
    let ended = loop {
        match in_time(shut.data()).await.expect("no clean end") {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert!(ended.is_reset(), "{ended}");
    assert!(moves.data().await.unwrap().is_ok());
    drop(moves);
    whole.is_well().await;
}

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
async fn an_upgraded_connection_has_no_head_that_could_be_slow() {
    let head_within = Some(Duration::from_millis(100));
    let whole = whole(Settings { head_within, ..Settings::default() }).await;
    let mut client = whole.connect().await;
    let head = "GET /upgrade HTTP/1.1\r\nhost: t\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n";
    client.send(head).await;
    client.until("\r\n\r\n").await;
    client.send("pi").await;
    let mut silent = whole.connect().await;
    silent.rest().await;
    let mut silent = whole.connect().await;
    silent.rest().await;
    client.send("ng").await;
    assert_eq!(client.until("ping").await, "ping");
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
