//! Reading and taking over HTTP.
#![cfg(feature = "http")]

use std::net::SocketAddr;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::Request;
use seawall_capture::http::{Access, router};
use seawall_capture::store::{
    Batch, BatchId, Filter, Group, Mute, Resolution, Seen, Store, StoreError, StoreFuture, Totals,
};
use seawall_capture::{Capture, Draft, Fingerprint, Kind, MemoryStore, Record, Severity};
use serde_json::Value;
use tower::ServiceExt;

struct Bench {
    app: Router,
    store: MemoryStore,
    name: Fingerprint,
}

fn bench() -> Bench {
    let store = MemoryStore::default();
    let capture = Capture::builder().store(store.clone()).build().unwrap();
    let draft = || Draft::new("Gone", "invoice 7 is gone").severity(Severity::High);
    capture.record(draft());
    capture.record(draft());
    capture.record(Draft::new("Other", "x").kind(Kind::Logic).source("cart"));
    let name = capture.prepare(draft()).grouping.fingerprint;
    let app = router(store.clone(), Access::tokens("reader", "writer").unwrap());
    Bench { app, store, name }
}

async fn send(app: &Router, method: &str, path: &str, token: Option<&str>) -> (u16, Value) {
    let mut request = Request::builder().method(method).uri(path);
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    answer(app, request.body(Body::empty()).unwrap()).await
}

async fn answer(app: &Router, request: Request<Body>) -> (u16, Value) {
    let response = app.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    if status >= 400 && !body.is_empty() {
        assert_eq!(kind, "application/problem+json");
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["status"], status);
        assert!(problem["detail"].is_string());
    }
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

#[tokio::test]
async fn groups_are_listed_filtered_and_read_one_by_one() {
    let Bench { app, name, .. } = bench();
    let get = async |path: &str| send(&app, "GET", path, Some("reader")).await;
    let (status, groups) = get("/groups?order=count").await;
    assert_eq!((status, groups.as_array().unwrap().len()), (200, 2));
    assert_eq!(groups[0]["count"], 2);
    assert_eq!(groups[0]["fingerprint"], name.to_string());
    for (query, found) in [
        ("severity=medium", 1),
        ("kind=logic", 1),
        ("source=cart", 1),
        ("text=INVOICE%207", 1),
        ("text=nothing", 0),
        ("limit=1", 1),
        ("since=2000-01-01T00:00:00.000Z", 2),
        ("since=2999-01-01T00:00:00.000Z", 0),
    ] {
        let (status, groups) = get(&format!("/groups?{query}")).await;
        assert_eq!((status, groups.as_array().unwrap().len()), (200, found), "{query}");
    }
    let (status, group) = get(&format!("/groups/{name}")).await;
    assert_eq!((status, &group["last"]["details"]["message"]), (200, &"invoice 7 is gone".into()));
    let (status, totals) = get("/totals").await;
    assert_eq!((status, &totals["recorded"]), (200, &3.into()));
}

#[tokio::test]
async fn a_wrong_parameter_is_400() {
    let Bench { app, name, .. } = bench();
    for path in [
        "/groups?limit=0",
        "/groups?limit=1001",
        "/groups?limit=x",
        "/groups?severity=loud",
        "/groups?kind=odd",
        "/groups?since=yesterday",
        "/groups?order=up",
        "/groups?sevrity=high",
        "/groups/xyz",
        "/totals?x=1",
    ] {
        assert_eq!(send(&app, "GET", path, Some("reader")).await.0, 400, "{path}");
    }
    for path in [
        "/batches?max=0".into(),
        "/batches/x/acknowledge".into(),
        format!("/groups/{name}/mute?count=1"),
        format!("/groups/{name}/mute?count=0&period=1"),
        format!("/groups/{name}/resolve?v=1"),
    ] {
        assert_eq!(send(&app, "POST", &path, Some("writer")).await.0, 400, "{path}");
    }
}

#[tokio::test]
async fn no_token_is_401_and_the_wrong_one_for_it_403() {
    let Bench { app, store, .. } = bench();
    for token in [None, Some("wrong"), Some(""), Some("readers")] {
        assert_eq!(send(&app, "GET", "/groups", token).await.0, 401, "{token:?}");
        assert_eq!(send(&app, "POST", "/batches", token).await.0, 401, "{token:?}");
    }
    assert_eq!(send(&app, "POST", "/batches", Some("reader")).await.0, 403);
    assert_eq!(send(&app, "GET", "/nowhere", None).await.0, 401);
    assert_eq!(store.totals().in_flight, 0);
    assert_eq!(send(&app, "GET", "/groups", Some("writer")).await.0, 200);
    assert!(Access::tokens("", "x").is_err());
}

#[tokio::test]
async fn without_tokens_only_who_is_on_this_machine_may() {
    let app = router(MemoryStore::default(), Access::loopback());
    for (peer, status) in [
        (Some("127.0.0.1:9"), 200),
        (Some("[::1]:9"), 200),
        (Some("[::ffff:127.0.0.1]:9"), 200),
        (Some("10.0.0.1:9"), 403),
        (None, 403),
    ] {
        let mut request = Request::builder().uri("/totals").body(Body::empty()).unwrap();
        if let Some(peer) = peer {
            request.extensions_mut().insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
        }
        assert_eq!(answer(&app, request).await.0, status, "{peer:?}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_404() {
    let Bench { app, .. } = bench();
    let stranger = "0".repeat(32);
    assert_eq!(send(&app, "GET", &format!("/groups/{stranger}"), Some("reader")).await.0, 404);
    assert_eq!(send(&app, "GET", "/nowhere", Some("reader")).await.0, 404);
    for path in [
        format!("/groups/{stranger}/resolve"),
        format!("/groups/{stranger}/mute"),
        format!("/groups/{stranger}/unmute"),
        "/batches/99/acknowledge".into(),
        "/batches/99/put-back".into(),
    ] {
        assert_eq!(send(&app, "POST", &path, Some("writer")).await.0, 404, "{path}");
    }
}

#[tokio::test]
async fn a_batch_is_taken_and_acknowledged_or_put_back() {
    let Bench { app, store, .. } = bench();
    let post = async |path: &str| send(&app, "POST", path, Some("writer")).await;
    let (status, batch) = post("/batches?max=10").await;
    assert_eq!((status, batch["groups"].as_array().unwrap().len()), (200, 2));
    let id = batch["id"].as_u64().unwrap();
    assert_eq!(store.totals().in_flight, 3);
    assert_eq!(post(&format!("/batches/{id}/put-back")).await.0, 204);
    assert_eq!(store.totals().held, 3);
    let (_, batch) = post("/batches").await;
    assert_eq!(post(&format!("/batches/{}/acknowledge", batch["id"])).await.0, 204);
    assert_eq!(store.totals().delivered, 3);
}

#[tokio::test]
async fn a_group_is_resolved_muted_and_unmuted() {
    let Bench { app, store, name } = bench();
    let post = async |path: &str| {
        send(&app, "POST", &format!("/groups/{name}/{path}"), Some("writer")).await.0
    };
    assert_eq!(post("resolve?version=1.2").await, 204);
    assert_eq!(store.group(name).unwrap().resolved, Some(Resolution::in_version("1.2")));
    assert_eq!(post("mute?count=5&period=60").await, 204);
    assert!(store.group(name).unwrap().muted.is_some());
    assert_eq!(post("unmute").await, 204);
    assert_eq!(store.group(name).unwrap().muted, None);
}

#[tokio::test]
async fn get_has_no_side_effect_on_anything() {
    let Bench { app, store, name } = bench();
    let before = (store.totals(), store.list(&Filter::default()));
    for path in
        ["/groups", "/totals", &format!("/groups/{name}"), "/batches", "/batches/0/put-back"]
    {
        for method in ["GET", "HEAD"] {
            let _ = send(&app, method, path, Some("writer")).await;
        }
    }
    assert_eq!(send(&app, "GET", "/batches", Some("writer")).await.0, 405);
    assert_eq!((store.totals(), store.list(&Filter::default())), before);
}

struct Away;

fn away<'a, T: Send + 'a>() -> StoreFuture<'a, T> {
    Box::pin(std::future::ready(Err(StoreError::Unavailable("10.0.0.1 refused".into()))))
}

impl Store for Away {
    fn record(&self, _: &Record) -> Seen {
        Seen::Queued
    }
    fn sync(&self) -> StoreFuture<'_, ()> {
        away()
    }
    fn list<'a>(&'a self, _: &'a Filter) -> StoreFuture<'a, Vec<Group>> {
        away()
    }
    fn group(&self, _: Fingerprint) -> StoreFuture<'_, Option<Group>> {
        away()
    }
    fn totals(&self) -> StoreFuture<'_, Totals> {
        away()
    }
    fn take(&self, _: usize) -> StoreFuture<'_, Batch> {
        away()
    }
    fn acknowledge(&self, _: BatchId) -> StoreFuture<'_, bool> {
        away()
    }
    fn put_back(&self, _: BatchId) -> StoreFuture<'_, bool> {
        away()
    }
    fn resolve(&self, _: Fingerprint, _: Resolution) -> StoreFuture<'_, bool> {
        away()
    }
    fn mute(&self, _: Fingerprint, _: Option<Mute>) -> StoreFuture<'_, bool> {
        away()
    }
    fn merge(&self, _: Fingerprint, _: Fingerprint) -> StoreFuture<'_, bool> {
        away()
    }
}

#[tokio::test]
async fn a_store_that_is_away_is_503_and_says_not_where() {
    let app = router(Away, Access::tokens("r", "w").unwrap());
    for (method, path) in [("GET", "/groups"), ("GET", "/totals"), ("POST", "/batches")] {
        let (status, problem) = send(&app, method, path, Some("w")).await;
        assert_eq!(status, 503);
        assert!(!problem.to_string().contains("10.0.0.1"));
    }
}
