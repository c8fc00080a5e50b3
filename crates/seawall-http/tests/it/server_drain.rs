//! How a server ends: no request is lost, and nothing holds it up for ever.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use seawall::Shutdown;
use seawall::shutdown::LeftBehindKind;
use tokio::net::TcpStream;
use tokio::sync::{Notify, Semaphore, mpsc};

use crate::served::{Served, Settings, in_time, served};

const REQUEST: &str = "GET / HTTP/1.1\r\nhost: test\r\n\r\n";

/// Answers each request when it is let go, and says when one has come.
struct Handler {
    come: Semaphore,
    go: Semaphore,
}

async fn waiting(shutdown: Shutdown) -> (Served, Arc<Handler>) {
    let handler = Arc::new(Handler { come: Semaphore::new(0), go: Semaphore::new(0) });
    let of = Arc::clone(&handler);
    let server = served(shutdown, Settings::default(), move |_| {
        let handler = Arc::clone(&of);
        async move {
            handler.come.add_permits(1);
            handler.go.acquire().await.unwrap().forget();
            Response::new(Full::new(Bytes::from_static(b"hello")))
        }
    });
    (server.await, handler)
}

impl Handler {
    async fn has_come(&self) {
        in_time(self.come.acquire()).await.unwrap().forget();
    }
}

fn quick() -> Shutdown {
    Shutdown::builder().name("test").grace_period(Duration::from_secs(20)).build().unwrap()
}

#[tokio::test]
async fn a_drain_over_http1_loses_no_request() {
    let (server, handler) = waiting(quick()).await;
    let mut idle = server.connect().await;
    idle.send(REQUEST).await;
    handler.go.add_permits(1);
    assert!(!idle.until("hello").await.contains("connection"), "kept alive");
    handler.has_come().await;
    let mut busy = server.connect().await;
    busy.send(REQUEST).await;
    handler.has_come().await;
    let mut half = server.connect().await;
    half.send(&REQUEST[..20]).await;
    // The server has read the half when it answers what came after it.
    let mut after = server.connect().await;
    after.send(REQUEST).await;
    handler.has_come().await;

    server.stop_intake().await;
    assert_eq!(idle.rest().await, "", "an idle connection is closed");
    // New ones are answered while something is in flight.
    let mut late = server.connect().await;
    late.send(REQUEST).await;
    let refused = late.rest().await;
    for part in ["HTTP/1.1 503", "retry-after: ", "connection: close", "shutting_down"] {
        assert!(refused.contains(part), "{part} is in {refused}");
    }
    // A head that was on its way is a request like any other.
    half.send(&REQUEST[20..]).await;
    handler.has_come().await;
    handler.go.add_permits(3);
    for mut connection in [busy, half, after] {
        let answer = connection.rest().await;
        assert!(answer.contains("connection: close") && answer.ends_with("hello"), "{answer}");
    }
    let address = server.address;
    let report = server.report().await;
    assert!(report.is_clean(), "{report}");
    assert!(TcpStream::connect(address).await.is_err(), "the listener is closed");
}

/// While balancers have not noticed, requests are served, and clients are asked to go.
#[tokio::test]
async fn answers_say_close_as_soon_as_the_shutdown_has_begun() {
    let shutdown = Shutdown::builder().drain_delay(Duration::from_hours(1));
    let shutdown = shutdown.grace_period(Duration::from_hours(2)).build().unwrap();
    let (server, handler) = waiting(shutdown).await;
    let mut connection = server.connect().await;
    connection.send(REQUEST).await;
    handler.go.add_permits(1);
    connection.until("hello").await;
    server.shutdown.trigger("a test");
    handler.go.add_permits(2);
    connection.send(REQUEST).await;
    let answer = connection.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("connection: close"), "{answer}");
    let mut new = server.connect().await;
    new.send(REQUEST).await;
    assert!(new.rest().await.starts_with("HTTP/1.1 200"));
    // HTTP/2 gets its frame when intake stops.
    let mut h2 = H2::connect(&server).await;
    handler.go.add_permits(2);
    for _ in 0..2 {
        assert_eq!(h2.get().await.unwrap(), "hello");
    }
    server.shutdown.force("the end of the test");
}

/// A client of HTTP/2.
struct H2 {
    send: h2::client::SendRequest<Bytes>,
    ended: tokio::task::JoinHandle<Result<(), h2::Error>>,
}

impl H2 {
    async fn connect(server: &Served) -> Self {
        let stream = server.connect().await.0;
        let (send, connection) = h2::client::handshake(stream).await.unwrap();
        Self { send, ended: tokio::spawn(connection) }
    }

    fn begin(&mut self) -> Result<h2::client::ResponseFuture, h2::Error> {
        let request = Request::get("http://test/").body(()).unwrap();
        self.send.send_request(request, true).map(|(answer, _)| answer)
    }

    async fn get(&mut self) -> Result<String, h2::Error> {
        in_time(std::future::poll_fn(|cx| self.send.poll_ready(cx))).await?;
        read(self.begin()?).await
    }
}

async fn read(answer: h2::client::ResponseFuture) -> Result<String, h2::Error> {
    let answer = in_time(answer).await?;
    assert_eq!(answer.status(), StatusCode::OK);
    let mut body = answer.into_body();
    let mut text = Vec::new();
    while let Some(part) = in_time(body.data()).await {
        text.extend_from_slice(&part?);
    }
    Ok(String::from_utf8(text).unwrap())
}

/// envoy#39876 (G85): streams that began before the second GOAWAY were lost.
#[tokio::test]
async fn a_drain_over_http2_loses_no_request() {
    let (server, handler) = waiting(quick()).await;
    let mut client = H2::connect(&server).await;
    let mut in_flight = Vec::new();
    for _ in 0..3 {
        in_flight.push(tokio::spawn(read(client.begin().unwrap())));
        handler.has_come().await;
    }
    server.stop_intake().await;
    // Requests go out until the client has heard of the end.
    handler.go.add_permits(1_000);
    let mut after = 0;
    loop {
        match client.get().await {
            Ok(text) => assert_eq!(text, "hello"),
            Err(error) => {
                assert!(error.is_go_away() || error.is_library(), "{error}");
                assert!(error.reason().is_none_or(|it| it == h2::Reason::NO_ERROR), "{error}");
                break;
            }
        }
        after += 1;
        assert!(after < 1_000, "no GOAWAY");
    }
    for request in in_flight {
        assert_eq!(request.await.unwrap().unwrap(), "hello");
    }
    assert!(in_time(client.ended).await.unwrap().is_ok(), "GOAWAY(NO_ERROR)");
    let report = server.report().await;
    assert!(report.is_clean(), "{report}");
}

/// Frames as a test sends them.
struct Sent(mpsc::Receiver<Bytes>);

impl Body for Sent {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }
}

/// A server whose one answer is sent by the test.
async fn streaming(shutdown: Shutdown) -> (Served, mpsc::Sender<Bytes>) {
    let (sender, receiver) = mpsc::channel(1);
    let receiver = Arc::new(parking_lot::Mutex::new(Some(receiver)));
    let server = served(shutdown, Settings::default(), move |_: Request<Incoming>| {
        let body = receiver.lock().take().unwrap();
        async move { Response::new(Sent(body)) }
    });
    (server.await, sender)
}

/// G35: what is in flight lasts to the end of the body, so does the drain.
#[tokio::test]
async fn the_drain_waits_for_the_end_of_a_body() {
    for http2 in [false, true] {
        let (server, sender) = streaming(quick()).await;
        let client = client(http2);
        let url: http::Uri = format!("http://{}/", server.address).parse().unwrap();
        let mut answer = client.get(url).await.unwrap();
        server.stop_intake().await;
        assert_eq!(server.shutdown.in_flight().count(), 1);
        sender.send(Bytes::from_static(b"part")).await.unwrap();
        let part = in_time(answer.body_mut().frame()).await.unwrap().unwrap();
        assert_eq!(part.into_data().unwrap(), "part");
        assert!(server.shutdown.report().is_none(), "it waits");
        drop(sender);
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "");
        let report = server.report().await;
        assert!(report.is_clean(), "{report}");
    }
}

fn client(
    http2: bool,
) -> hyper_util::client::legacy::Client<
    hyper_util::client::legacy::connect::HttpConnector,
    Full<Bytes>,
> {
    let executor = hyper_util::rt::TokioExecutor::new();
    hyper_util::client::legacy::Client::builder(executor).http2_only(http2).build_http()
}

/// envoy#40691 (G86): an endless stream held up the end, or was cut as if it were whole.
#[tokio::test]
async fn an_endless_stream_is_cut_at_the_deadline_and_counted() {
    for http2 in [false, true] {
        let shutdown =
            Shutdown::builder().grace_period(Duration::from_millis(300)).build().unwrap();
        let (server, sender) = streaming(shutdown).await;
        let client = client(http2);
        let url: http::Uri = format!("http://{}/", server.address).parse().unwrap();
        let answer = client.get(url).await.unwrap();
        sender.send(Bytes::from_static(b"part")).await.unwrap();
        server.shutdown.trigger("a test");
        let body = in_time(answer.into_body().collect()).await;
        assert!(body.is_err(), "no body ends as if it were whole");
        let report = server.report().await;
        assert!(!report.is_clean());
        let left = report.left_behind.iter().map(|left| left.kind).collect::<Vec<_>>();
        assert!(left.contains(&LeftBehindKind::Requests(1)), "{report}");
        assert_eq!(report.exit_code(), 4);
    }
}

/// A client that connects and says nothing holds up no drain.
#[tokio::test]
async fn a_silent_connection_holds_up_no_drain() {
    let (server, handler) = waiting(quick()).await;
    let mut silent = server.connect().await;
    let mut used = server.connect().await;
    handler.go.add_permits(1);
    used.send(REQUEST).await;
    used.until("hello").await;
    server.stop_intake().await;
    assert_eq!(silent.rest().await, "");
    let report = server.report().await;
    assert!(report.is_clean(), "{report}");
    assert!(report.total < Duration::from_secs(5), "{report}");
}

/// A request that comes in the moment in which a new connection was accepted is answered.
#[tokio::test]
async fn the_first_request_of_a_connection_that_is_older_than_the_end_is_served() {
    let (server, handler) = waiting(quick()).await;
    let mut fresh = server.connect().await;
    let mut busy = server.connect().await;
    busy.send(REQUEST).await;
    handler.has_come().await;
    server.stop_intake().await;
    fresh.send(REQUEST).await;
    handler.has_come().await;
    handler.go.add_permits(2);
    for mut connection in [fresh, busy] {
        assert!(connection.rest().await.starts_with("HTTP/1.1 200"));
    }
    assert!(server.report().await.is_clean());
}

/// The same where nothing else is in flight: the head that came in part is waited for.
#[tokio::test]
async fn a_head_that_has_begun_is_waited_for() {
    let (server, handler) = waiting(quick()).await;
    let mut half = server.connect().await;
    half.send(&REQUEST[..20]).await;
    let mut whole = server.connect().await;
    whole.send(REQUEST).await;
    handler.go.add_permits(2);
    whole.until("hello").await;
    server.stop_intake().await;
    assert_eq!(whole.rest().await, "");
    in_time(server.shutdown.in_flight().drained()).await;
    half.send(&REQUEST[20..]).await;
    assert!(half.rest().await.starts_with("HTTP/1.1 200"));
    assert!(server.report().await.is_clean());
}

#[tokio::test]
async fn the_number_of_connections_has_a_limit() {
    let release = Arc::new(Notify::new());
    let settings = Settings { max_connections: NonZeroU32::new(1), ..Settings::default() };
    let server = served(quick(), settings, {
        let release = Arc::clone(&release);
        move |_| {
            let release = Arc::clone(&release);
            async move {
                release.notified().await;
                Response::new(Full::<Bytes>::from("hello"))
            }
        }
    })
    .await;
    let mut first = server.connect().await;
    first.send(REQUEST).await;
    let mut second = server.connect().await;
    second.send(REQUEST).await;
    release.notify_one();
    first.until("hello").await;
    assert_eq!(server.shutdown.in_flight().count(), 0, "the second waits outside");
    drop(first);
    release.notify_one();
    assert!(second.until("hello").await.starts_with("HTTP/1.1 200"));
}
