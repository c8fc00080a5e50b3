//! What is sent again and what is not, by what becomes of it on the way.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioIo};
use seawall::StopReason;
use seawall_http::{Client, ClientLayer};
use seawall_testkit::Recorder;
use seawall_tower::replay::{ReplayLayer, ReplayMemory};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, ServiceExt, service_fn};

use crate::server;

fn client() -> Client {
    Client::builder("shop")
        .pipeline(|standard| standard.timeout(Duration::from_secs(3)).breaker(|breaker| breaker))
        .build()
        .unwrap()
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/")
}

/// A listener that hands each connection with its number to `deed`, unread.
async fn connections<F, Fut>(deed: F) -> (SocketAddr, Arc<AtomicUsize>)
where
    F: Fn(usize, TcpStream) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, count) = (listener.local_addr().unwrap(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&count);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(deed(counted.fetch_add(1, Ordering::SeqCst), stream));
        }
    });
    (address, count)
}

/// Reads to the end of a head; whether there was one.
async fn read_head(stream: &mut TcpStream) -> bool {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => read.push(byte),
            Err(_) => return false,
        }
    }
    true
}

const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nanswer";

/// caddy#6452, varnish#4413, hyper#3553: a pooled connection that the server has closed.
#[tokio::test]
async fn a_reset_on_a_reused_connection_is_repeated_on_a_fresh_one_unless_it_is_a_post() {
    for (method, sent) in [(Method::GET, 2), (Method::POST, 1)] {
        let requests = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&requests);
        let (address, connections) = connections(move |number, mut stream| {
            let requests = Arc::clone(&counted);
            async move {
                while read_head(&mut stream).await {
                    let request = requests.fetch_add(1, Ordering::SeqCst);
                    // The second request on the first connection is read, and answered by a reset.
                    if number == 0 && request == 1 {
                        stream.set_zero_linger().unwrap();
                        return;
                    }
                    stream.write_all(ANSWER).await.unwrap();
                }
            }
        })
        .await;
        let client = client();
        let first = client.get(url(address)).send().await.unwrap();
        assert_eq!(first.text().await.unwrap(), "answer");
        let second = client.request(method, url(address)).send().await;
        assert_eq!(second.is_ok(), sent == 2);
        assert_eq!(requests.load(Ordering::SeqCst), 1 + sent);
        assert_eq!(connections.load(Ordering::SeqCst), sent, "the repetition dials anew");
    }
}

/// hyper-util#150: a server that accepts and closes at once was dialled in a loop.
#[tokio::test]
async fn a_server_that_closes_at_once_gets_one_connection_an_attempt() {
    let (address, count) = connections(async |_, stream| drop(stream)).await;
    let error = client().get(url(address)).send().await.unwrap_err();
    assert_eq!(error.gave_up().unwrap().attempts, 3);
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

/// dotnet/extensions#6548, #6708: whether a call may be repeated was read from its answer, and a call
/// that timed out has none.
#[tokio::test]
async fn a_timeout_does_not_make_a_post_repeatable() {
    for (method, sent) in [(Method::POST, 1), (Method::GET, 3)] {
        let count = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&count);
        let address = server::answering(move |_| {
            counted.fetch_add(1, Ordering::SeqCst);
            std::future::pending::<Response<Full<Bytes>>>()
        })
        .await;
        let client = Client::builder("shop")
            .pipeline(|standard| {
                standard.timeout(Duration::from_mins(1)).attempt_timeout(Duration::from_millis(50))
            })
            .build()
            .unwrap();
        // The pauses between attempts are parts of the deadline.
        let call = client.request(method, url(address));
        let call = call.deadline(seawall::Deadline::after(Duration::from_secs(2)));
        assert!(call.send().await.unwrap_err().is_timeout());
        assert!(count.load(Ordering::SeqCst) <= sent);
        assert!(sent == 1 || count.load(Ordering::SeqCst) > 1);
    }
}

/// haproxy#2751: a body larger than what is kept was cut, or held up the request.
#[tokio::test]
async fn a_body_that_outgrows_what_is_kept_is_sent_once_and_its_answer_is_the_answer() {
    let bodies = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    let address = server::answering(move |request| {
        let kept = Arc::clone(&kept);
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            kept.lock().push(body.len());
            Response::builder().status(503).body(Full::<Bytes>::from("busy")).unwrap()
        }
    })
    .await;
    let (memory, recorder) = (ReplayMemory::default(), Recorder::default());
    let heard = recorder.clone();
    let client = Client::builder("shop")
        .replay(ReplayLayer::new().memory(&memory))
        .pipeline(move |standard| standard.timeout(Duration::from_secs(3)).listener(heard.clone()))
        .build()
        .unwrap();
    let answer = client.put(url(address)).body(stream_of(100, 1_000)).send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.text().await.unwrap(), "busy");
    assert_eq!(*bodies.lock(), [100_000], "whole, and once");
    let totals = memory.totals();
    assert_eq!((totals.too_large, totals.held), (1, 0));
    assert!(totals.peak <= 64 << 10, "{totals:?}");
    // One in memory is kept whatever its size.
    bodies.lock().clear();
    let answer = client.put(url(address)).body(vec![b'x'; 1_000_000]).send().await.unwrap();
    assert_eq!((answer.status(), bodies.lock().len()), (StatusCode::SERVICE_UNAVAILABLE, 3));
    assert_eq!(memory.totals().too_large, 1);
}

fn stream_of(frames: usize, size: usize) -> reqwest::Body {
    let frames = (0..frames).map(move |number| {
        let byte = u8::try_from(number % 251).unwrap();
        Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(vec![byte; size])))
    });
    reqwest::Body::wrap(StreamBody::new(futures_util::stream::iter(frames)))
}

/// service-fabric#381, linkerd#1017: the second attempt sent what the first had not read.
#[tokio::test]
async fn an_attempt_sends_what_the_one_before_has_read_and_the_rest() {
    let expected: Vec<u8> =
        (0..60_u8).flat_map(|number| std::iter::repeat_n(number, 1_000)).collect();
    for h2 in [false, true] {
        let bodies = Arc::new(parking_lot::Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        let address = server::answering(move |request| {
            let kept = Arc::clone(&kept);
            async move {
                let attempt = kept.lock().len();
                let mut body = request.into_body();
                let mut read = Vec::new();
                // The first attempt is refused unread, the second after some frames.
                let frames = [0, 5, usize::MAX][attempt];
                for _ in 0..frames {
                    match body.frame().await {
                        Some(Ok(frame)) => read.extend(frame.into_data().unwrap_or_default()),
                        _ => break,
                    }
                }
                kept.lock().push(read);
                let status = if attempt < 2 { 503 } else { 200 };
                Response::builder().status(status).body(Full::<Bytes>::default()).unwrap()
            }
        })
        .await;
        let http = reqwest::Client::builder().retry(reqwest::retry::never());
        let http = if h2 { http.http2_prior_knowledge() } else { http };
        let client = Client::builder("shop")
            .http(http.build().unwrap())
            .pipeline(|standard| standard.timeout(Duration::from_secs(3)))
            .build()
            .unwrap();
        let answer = client.put(url(address)).body(stream_of(60, 1_000)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        let bodies = bodies.lock();
        assert!(expected.starts_with(&bodies[1]));
        assert!(bodies[2] == expected, "byte for byte, h2: {h2}");
    }
}

/// traefik#1008, caddy#7713: a dial that failed had consumed the body.
#[tokio::test]
async fn a_dial_that_fails_leaves_the_body_alone() {
    let bodies = Arc::new(parking_lot::Mutex::new(Vec::new()));
    let kept = Arc::clone(&bodies);
    let address = server::answering(move |request| {
        let kept = Arc::clone(&kept);
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            kept.lock().push(body);
            Response::new(Full::<Bytes>::default())
        }
    })
    .await;
    let dials = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dials);
    let connector = service_fn(move |_: Uri| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        Box::pin(async move {
            if number < 2 {
                return Err(std::io::Error::from(std::io::ErrorKind::NetworkUnreachable));
            }
            TcpStream::connect(address).await.map(TokioIo::new)
        })
    });
    let http = legacy::Client::builder(TokioExecutor::new())
        .retry_canceled_requests(false)
        .build(connector);
    let layer = ClientLayer::builder("shop")
        .pipeline(|standard| standard.timeout(Duration::from_secs(3)))
        .build()
        .unwrap();
    let client = layer.layer(http);
    let frames = ["three ", "screws"]
        .map(|it| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(it))));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let request = Request::post(url(address)).body(body).unwrap();
    assert_eq!(client.oneshot(request).await.unwrap().status(), 200);
    assert_eq!(
        (dials.load(Ordering::SeqCst), &**bodies.lock()),
        (3, &[Bytes::from("three screws")][..])
    );
}

/// traefik#13520: an answer that had begun, or an upgrade, was repeated.
#[tokio::test]
async fn nothing_is_repeated_once_an_answer_has_begun() {
    for (bytes, status) in [
        (&b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nbegun"[..], 200),
        (b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: tea\r\n\r\n", 101),
    ] {
        let (address, count) = connections(move |_, mut stream| async move {
            if read_head(&mut stream).await {
                stream.write_all(bytes).await.unwrap();
            }
        })
        .await;
        let client = client();
        let call =
            client.get(url(address)).header("connection", "upgrade").header("upgrade", "tea");
        let answer = call.send().await.unwrap();
        assert_eq!(answer.status(), status);
        if status == 200 {
            answer.bytes().await.unwrap_err();
            let pipeline = client.pipeline(&address.to_string());
            let failures = pipeline.breaker().unwrap().snapshot().totals.failures;
            assert_eq!(failures, 1, "a body that breaks is one failure more");
            assert_eq!(pipeline.congestion_control().unwrap().snapshot().streams, 0);
        }
        assert_eq!(count.load(Ordering::SeqCst), 1);
    }
}

/// caddy#4245: the connect timeout of one attempt took the time of all.
#[tokio::test]
async fn a_dial_that_hangs_leaves_time_for_another() {
    let address = server::answering(async |_| Response::new(Full::<Bytes>::default())).await;
    let dials = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&dials);
    // The first dial hangs.
    let hangs =
        tower::layer::layer_fn(move |inner| HangsOnce { inner, dials: Arc::clone(&counted) });
    let http = reqwest::Client::builder()
        .connector_layer(hangs)
        .connect_timeout(Duration::from_millis(100))
        .retry(reqwest::retry::never())
        .build()
        .unwrap();
    let client = Client::builder("shop")
        .http(http)
        .pipeline(|standard| standard.timeout(Duration::from_secs(3)))
        .build()
        .unwrap();
    let answer = client.post(url(address)).body("order").send().await.unwrap();
    assert_eq!((answer.status(), dials.load(Ordering::SeqCst)), (StatusCode::OK, 2));
    assert!(Client::CONNECT_TIMEOUT * 3 < seawall::StandardBuilder::DEFAULT_TIMEOUT);
}

#[derive(Clone)]
struct HangsOnce<S> {
    inner: S,
    dials: Arc<AtomicUsize>,
}

impl<S, Req> tower::Service<Req> for HangsOnce<S>
where
    S: tower::Service<Req, Future: Send + 'static>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(
        &mut self,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let is_first = self.dials.fetch_add(1, Ordering::SeqCst) == 0;
        let dial = self.inner.call(request);
        Box::pin(async move {
            if is_first {
                std::future::pending::<()>().await;
            }
            dial.await
        })
    }
}

/// envoy gateway#2754: repetitions made an outage worse.
#[tokio::test(start_paused = true)]
async fn a_total_outage_gets_at_most_1_2_requests_a_call() {
    let sent = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&sent);
    let service = service_fn(move |_: Request<_>| {
        counted.fetch_add(1, Ordering::SeqCst);
        async {
            let busy = Response::builder().status(503).body(Full::<Bytes>::default());
            Ok::<_, std::io::Error>(busy.unwrap())
        }
    });
    let layer = ClientLayer::builder("shop")
        .pipeline(|standard| standard.timeout(Duration::from_secs(2)))
        .build()
        .unwrap();
    let client = layer.layer(service);
    let mut calls = tokio::task::JoinSet::new();
    for _ in 0..2_000 {
        let request = Request::get("http://shop.example/").body(Full::<Bytes>::default());
        calls.spawn(client.clone().oneshot(request.unwrap()));
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    calls.join_all().await;
    let sent = sent.load(Ordering::SeqCst);
    assert!(sent <= 2_400, "{sent} requests for 2,000 calls");
}

/// caddy#8053: a head, and then nothing any more.
#[tokio::test]
async fn a_server_that_dies_behind_its_head_has_failed_where_that_is_asked_for() {
    for waits in [false, true] {
        let (address, count) = connections(|number, mut stream| async move {
            if !read_head(&mut stream).await {
                return;
            }
            if number == 0 {
                let head = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n";
                stream.write_all(head).await.unwrap();
            } else {
                stream.write_all(ANSWER).await.unwrap();
            }
        })
        .await;
        let builder =
            Client::builder("shop").pipeline(|standard| standard.timeout(Duration::from_secs(3)));
        let client = if waits { builder.wait_for_body() } else { builder }.build().unwrap();
        let answer = client.get(url(address)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.url().as_str(), url(address));
        let body = answer.text().await;
        assert_eq!(body.is_ok(), waits, "{body:?}");
        assert_eq!(count.load(Ordering::SeqCst), if waits { 2 } else { 1 });
    }
}

/// The call says why nothing followed.
#[tokio::test]
async fn a_post_that_was_lost_says_that_it_may_not_be_repeated() {
    let (address, _) = connections(|_, mut stream| async move {
        read_head(&mut stream).await;
    })
    .await;
    let error = client().post(url(address)).send().await.unwrap_err();
    assert_eq!(error.gave_up().unwrap().why, StopReason::NotIdempotent);
}
