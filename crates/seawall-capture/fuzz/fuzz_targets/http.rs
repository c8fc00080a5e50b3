//! Requests from the network to the router.
#![no_main]

use axum::body::{Body, to_bytes};
use axum::http::Request;
use libfuzzer_sys::fuzz_target;
use seawall_capture::http::{Access, router};
use seawall_capture::{Capture, Draft, MemoryStore};
use tower::ServiceExt;

/// A request: its method, its target, and the value of one header.
type Input<'i> = (u8, &'i str, u8, &'i [u8]);

const METHODS: [&str; 5] = ["GET", "HEAD", "POST", "PUT", "OPTIONS"];
const HEADERS: [&str; 4] = ["authorization", "origin", "host", "content-type"];

fuzz_target!(|input: Input<'_>| {
    let (method, target, header, value) = input;
    let method = METHODS[usize::from(method) % METHODS.len()];
    let header = HEADERS[usize::from(header) % HEADERS.len()];
    let request = Request::builder().method(method).uri(format!("/{target}"));
    let token = ("authorization", "Bearer writer");
    for (open, request) in [
        (false, request.header(header, value).body(Body::empty())),
        (true, Request::builder().method(method).uri(format!("/{target}")).header(token.0, token.1).body(Body::empty())),
    ] {
        let Ok(request) = request else { continue };
        let store = MemoryStore::default();
        let Ok(access) = Access::tokens("reader", "writer") else { return };
        let Ok(capture) = Capture::builder().store(store.clone()).build() else { return };
        capture.record(Draft::new("a::Gone", "invoice 7 is gone"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let response = router(store.clone(), access).oneshot(request).await.expect("an answer");
            let status = response.status();
            assert!(!status.is_server_error(), "{status}");
            assert!(open || !status.is_success() || value.starts_with(b"Bearer "), "{status}");
            let kind = response.headers().get("content-type").cloned();
            let body = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
            if status.is_client_error() && method != "HEAD" {
                assert_eq!(kind.expect("a type"), "application/problem+json");
                serde_json::from_slice::<serde_json::Value>(&body).expect("JSON");
            }
        });
        assert!(store.totals().add_up());
    }
});
