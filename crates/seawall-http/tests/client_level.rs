//! Descriptors and memory stay level over 100,000 calls of a client. A process of its own, as it measures
//! its process.
//!
//! ```sh
//! cargo test --release -p seawall-http --features reqwest --test client_level -- --ignored --nocapture
//! ```

#![cfg(target_os = "linux")]

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use seawall_http::Client;
use seawall_tower::replay::{ReplayLayer, ReplayMemory};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tower::service_fn;

const CALLERS: u32 = 50;
const ROUNDS: u32 = 20;
const CALLS: u32 = 100;

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// Reads each request, and answers one in twenty with a failure of 20 KB, the others with 4 KB in
/// pieces.
async fn serving() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let number = Arc::new(AtomicU32::new(0));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let number = Arc::clone(&number);
            let service = service_fn(move |request: Request<Incoming>| {
                let fails = number.fetch_add(1, Ordering::Relaxed) % 20 == 7;
                async move {
                    drop(request.into_body().collect().await);
                    let frames = (0..if fails { 20 } else { 4 })
                        .map(|_| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'x'; 1_000]))));
                    let body = StreamBody::new(futures_util::stream::iter(frames));
                    let status = if fails { 500 } else { 200 };
                    Ok::<_, Infallible>(Response::builder().status(status).body(body).unwrap())
                }
            });
            let server = auto::Builder::new(TokioExecutor::new());
            let service = TowerToHyperService::new(service);
            tokio::spawn(async move {
                drop(server.serve_connection(TokioIo::new(stream), service).await);
            });
        }
    });
    address
}

/// One caller: of ten calls one sends a stream, one is dropped before its answer, one leaves the body
/// unread, one in the middle.
async fn caller(client: Client, url: String) -> u32 {
    let mut answered = 0;
    for number in 0..CALLS {
        let call = if number % 10 == 1 {
            let frames =
                (0..8).map(|_| Ok::<_, Infallible>(Frame::data(Bytes::from(vec![b'y'; 1_000]))));
            let body = StreamBody::new(futures_util::stream::iter(frames));
            client.put(&url).body(reqwest::Body::wrap(body))
        } else {
            client.get(&url)
        };
        if number % 10 == 3 {
            let gone = tokio::time::timeout(Duration::from_micros(200), call.send()).await;
            drop(gone);
            continue;
        }
        let Ok(mut answer) = call.send().await else { continue };
        answered += 1;
        match number % 10 {
            5 => drop(answer),
            7 => drop(answer.chunk().await),
            _ => drop(answer.bytes().await),
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "100,000 calls: for a release build"]
async fn descriptors_and_memory_are_level_over_100_000_calls() {
    let url = format!("http://{}/", serving().await);
    let memory = ReplayMemory::default();
    let client = Client::builder("shop")
        .pipeline(|standard| standard.timeout(Duration::from_secs(1)).breaker(|breaker| breaker))
        .replay(ReplayLayer::new().memory(&memory))
        .build()
        .unwrap();
    let (mut levels, mut answered) = (Vec::new(), 0);
    for round in 0..ROUNDS {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(caller(client.clone(), url.clone()));
        }
        answered += callers.join_all().await.iter().sum::<u32>();
        let level = (descriptors(), resident_kib());
        println!(
            "{:>7} calls: {} descriptors, {} KiB",
            (round + 1) * CALLERS * CALLS,
            level.0,
            level.1
        );
        levels.push(level);
    }
    println!("{answered} answered, {:?}", memory.totals());
    let pipeline = client.pipeline(url.trim_start_matches("http://").trim_end_matches('/'));
    let snapshot = pipeline.congestion_control().unwrap().snapshot();
    assert_eq!(snapshot.streams, 0);
    assert_eq!(memory.totals().held, 0);
    // The first rounds fill pools and caches.
    let (warm, end) = (&levels[..ROUNDS as usize / 2], levels.last().unwrap());
    let most = warm.iter().map(|level| level.0).max().unwrap();
    assert!(end.0 <= most + 20, "{} descriptors, {most} before", end.0);
    let most = warm.iter().map(|level| level.1).max().unwrap();
    assert!(end.1 <= most + most / 5, "{} KiB, {most} before", end.1);
}
