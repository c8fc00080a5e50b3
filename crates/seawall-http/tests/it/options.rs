//! What may be repeated, and what an attempt passes on.

use std::time::Duration;

use http::{Method, Request};
use seawall::{Attempt, Deadline};
use seawall_http::{DeadlineHeader, RequestOptions, is_idempotent};
use seawall_tower::CallOptions;

fn request(method: Method) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = method;
    request
}

#[tokio::test]
async fn the_method_decides_and_a_post_is_left_unset() {
    let options = RequestOptions::new();
    for method in ["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"] {
        let method: Method = method.parse().unwrap();
        assert!(is_idempotent(&method));
        assert_eq!(options.first_attempt(&request(method)).is_idempotent(), Some(true));
    }
    for method in [Method::POST, Method::PATCH, Method::CONNECT] {
        // Not `false`: what was certainly not carried out is repeated.
        assert_eq!(options.first_attempt(&request(method)).is_idempotent(), None);
    }
    let only = RequestOptions::new().methods([Method::GET]);
    assert_eq!(only.first_attempt(&request(Method::PUT)).is_idempotent(), None);
}

#[tokio::test]
async fn a_key_counts_only_where_the_server_honours_it() {
    let mut post = request(Method::POST);
    post.headers_mut().insert("idempotency-key", "7".parse().unwrap());
    assert_eq!(RequestOptions::new().first_attempt(&post).is_idempotent(), None);
    let honoured = RequestOptions::new().honours_idempotency_key();
    assert_eq!(honoured.first_attempt(&post).is_idempotent(), Some(true));
    assert_eq!(honoured.first_attempt(&request(Method::POST)).is_idempotent(), None);
}

#[tokio::test(start_paused = true)]
async fn the_earliest_deadline_counts_and_what_is_left_goes_out_less_a_margin() {
    let second = Duration::from_secs(1);
    let options = RequestOptions::new().deadline_header(DeadlineHeader::Grpc).margin(second / 10);
    let mut sent = request(Method::GET);
    sent.extensions_mut().insert(Deadline::after(3 * second));
    let scoped = async { options.first_attempt(&sent) };
    let first = Deadline::after(2 * second).scope(scoped).await;
    assert_eq!(first.time_left(), Some(2 * second));
    options.prepare(&mut sent, &first);
    assert_eq!(sent.headers()["grpc-timeout"], "1900000u");
    tokio::time::advance(second).await;
    options.prepare(&mut sent, &first);
    assert_eq!(sent.headers()["grpc-timeout"], "900000u");
    // Without a deadline nothing is written.
    let mut other = request(Method::GET);
    options.prepare(&mut other, &Attempt::first());
    assert!(other.headers().is_empty());
}
