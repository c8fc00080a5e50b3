//! `Access::loopback` is for programs on this machine, not for pages in a browser on it.
#![cfg(feature = "http")]

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::Request;
use seawall_capture::MemoryStore;
use seawall_capture::http::{Access, router};
use tower::ServiceExt;

async fn status(method: &str, headers: &[(&str, &str)]) -> u16 {
    let app = router(MemoryStore::default(), Access::loopback());
    let path = if method == "POST" { "/batches" } else { "/groups" };
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, value.as_bytes());
    }
    let mut request = request.body(Body::empty()).unwrap();
    let peer: SocketAddr = "127.0.0.1:9".parse().unwrap();
    request.extensions_mut().insert(ConnectInfo(peer));
    app.oneshot(request).await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_foreign_origin_may_nothing() {
    for origin in [
        "https://evil.example",
        "null",
        "",
        "http://localhost:3000",
        "http://localhost:8080.evil.example",
        "http://localhost:8080/",
        "file://localhost:8080",
        "http://é",
    ] {
        for method in ["GET", "POST"] {
            let headers = [("host", "localhost:8080"), ("origin", origin)];
            assert_eq!(status(method, &headers).await, 403, "{method} {origin:?}");
        }
    }
    let own = [("host", "localhost:8080"), ("origin", "http://localhost:8080")];
    assert_eq!(status("POST", &own).await, 200);
}

#[tokio::test]
async fn a_foreign_host_may_nothing() {
    for host in ["evil.example", "evil.example:8080", "localhost.evil.example", "10.0.0.1", "", "é"]
    {
        assert_eq!(status("GET", &[("host", host)]).await, 403, "{host:?}");
    }
    for host in ["localhost", "LocalHost:80", "127.0.0.1:80", "127.1.2.3", "[::1]", "[::1]:80"] {
        assert_eq!(status("GET", &[("host", host)]).await, 200, "{host:?}");
    }
}
