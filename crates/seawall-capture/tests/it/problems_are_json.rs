//! Whatever is wrong with a request is answered as problem details.
#![cfg(feature = "http")]

use axum::body::Body;
use axum::http::Request;
use seawall_capture::MemoryStore;
use seawall_capture::http::{Access, router};
use tower::ServiceExt;

#[tokio::test]
async fn also_a_path_that_is_no_text() {
    let app = router(MemoryStore::default(), Access::tokens("r", "w").unwrap());
    for (method, path, status) in [
        ("GET", "/groups/%ff", 400),
        ("HEAD", "/groups/%ff", 400),
        ("POST", "/groups/%ff/resolve", 400),
        ("POST", "/groups/%ff/mute", 400),
        ("POST", "/groups/%ff/unmute", 400),
        ("POST", "/batches/%ff/acknowledge", 400),
        ("POST", "/batches/%ff/put-back", 400),
        ("POST", "/batches/-1/put-back", 400),
        ("GET", "/groups?limit=%ff", 400),
        ("GET", "/%ff", 404),
        ("PUT", "/groups", 405),
    ] {
        let request =
            Request::builder().method(method).uri(path).header("authorization", "Bearer w");
        let answer = app.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{method} {path}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json", "{method} {path}");
    }
    let long = format!("/groups/{}/resolve?version={}", "0".repeat(32), "1".repeat(300));
    let request =
        Request::post(long).header("authorization", "Bearer w").body(Body::empty()).unwrap();
    assert_eq!(app.oneshot(request).await.unwrap().status().as_u16(), 400);
}

/// Every number that JSON carries is read the same by those that know floating point alone.
#[tokio::test]
async fn ids_of_batches_survive_floating_point() {
    use seawall_capture::store::BatchId;
    use seawall_capture::{Clock, Timestamp};

    for now in [Timestamp::MIN, Timestamp::MAX, Timestamp::from_millis(1_700_000_000_000)] {
        let store = MemoryStore::builder().clock(Clock::manual(now)).build().unwrap();
        let ids: Vec<_> = (0..3).map(|_| store.take(1).unwrap().id).collect();
        assert!(ids.iter().all(|id| id.0 < BatchId::END), "{ids:?}");
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
