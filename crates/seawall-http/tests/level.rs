//! Descriptors and memory stay level over 100,000 requests. A process of its own, as it measures its
//! process.

#![cfg(target_os = "linux")]

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use seawall::limit::Priority;
use seawall::{Bulkhead, Shutdown};
use seawall_http::{Server, ServerLayer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tower::{Layer, service_fn};

const CLIENTS: usize = 50;
const ROUNDS: u32 = 20;
const REQUESTS: u32 = 100;

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

fn resident_kib() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// One in ten panics, one in ten is refused, one in ten goes away without an answer.
fn path(number: u32) -> &'static str {
    match number % 10 {
        3 => "/panic",
        6 => "/low",
        _ => "/",
    }
}

async fn client(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut buffer = [0; 4096];
    for number in 0..REQUESTS {
        let request = format!("GET {} HTTP/1.1\r\nhost: test\r\n\r\n", path(number));
        stream.write_all(request.as_bytes()).await.unwrap();
        if number % 10 == 9 {
            stream = TcpStream::connect(address).await.unwrap();
            continue;
        }
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..count].starts_with(b"HTTP/1.1 "), "request {number}");
    }
}

#[tokio::test]
async fn descriptors_and_memory_are_level_over_100_000_requests() {
    std::panic::set_hook(Box::new(|_| {}));
    let limit = Bulkhead::builder()
        .limit(200)
        .queue(100, Duration::from_secs(5))
        .by_priority()
        .priority_share(Priority::Low, 0.001)
        .build()
        .unwrap();
    let by_path = |request: &Request<Incoming>| match request.uri().path() {
        "/low" => Priority::Low,
        _ => Priority::Normal,
    };
    let layer = ServerLayer::builder("shop").limit(limit.clone()).priority(by_path);
    let service = layer.build().unwrap().layer(service_fn(async |request: Request<Incoming>| {
        assert_ne!(request.uri().path(), "/panic", "planned");
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::from("hello")))
    }));
    let shutdown = Shutdown::builder().build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server::new(service, &shutdown).serve(listener);
    shutdown.spawn_critical("http", |_| server).unwrap();

    let mut levels = Vec::new();
    for _ in 0..ROUNDS {
        let clients: Vec<_> = (0..CLIENTS).map(|_| tokio::spawn(client(address))).collect();
        for client in clients {
            client.await.unwrap();
        }
        while shutdown.tasks() > 1 || shutdown.in_flight().count() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!((limit.snapshot().in_flight, limit.snapshot().queued), (0, 0));
        levels.push((descriptors(), resident_kib()));
    }
    // The first rounds fill what is kept: the allocator's arenas, the runtime's slabs.
    let (early, last) = (levels[3], levels[levels.len() - 1]);
    assert_eq!(last.0, early.0, "descriptors: {levels:?}");
    assert!(last.1 < early.1 + 2_048, "memory, in KiB: {levels:?}");
}
