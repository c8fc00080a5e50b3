//! The client around reqwest, against servers on loopback.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use seawall::{Breaker, CarriedOut, CircuitState, Class, Deadline};
use seawall_http::{Client, DeadlineHeader, RequestOptions, class};
use seawall_tower::PipelineLayer;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use crate::server;

fn client() -> Client {
    Client::builder("shop")
        .pipeline(|standard| standard.timeout(Duration::from_secs(2)).breaker(|breaker| breaker))
        .build()
        .unwrap()
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}/")
}

/// Answers these statuses in turn, the last one again and again, and counts.
async fn statuses(statuses: &'static [u16]) -> (SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&count);
    let address = server::answering(move |_| {
        let number = counted.fetch_add(1, Ordering::SeqCst);
        let status = statuses[number.min(statuses.len() - 1)];
        async move {
            let body = Full::new(Bytes::from(format!("answer {number}")));
            Response::builder().status(status).body(body).unwrap()
        }
    })
    .await;
    (address, count)
}

#[tokio::test]
async fn a_get_is_repeated_and_a_post_is_relayed() {
    // traefik#1104, #3285: an upstream's own 502 to a POST is the answer.
    for (method, sent, status) in [(Method::GET, 3, 200), (Method::POST, 1, 502)] {
        let (address, count) = statuses(&[502, 503, 200]).await;
        let answer = client().request(method, url(address)).body("order").send().await.unwrap();
        assert_eq!(answer.status(), status);
        assert_eq!(count.load(Ordering::SeqCst), sent);
    }
}

/// haproxy#439: a blank 502 in place of the last answer.
#[tokio::test]
async fn when_all_attempts_fail_the_last_answer_is_the_answer() {
    let (address, count) = statuses(&[500, 502, 504]).await;
    let answer = client().get(url(address)).send().await.unwrap();
    assert_eq!(answer.status(), 504);
    assert_eq!(answer.text().await.unwrap(), "answer 2", "head and body");
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn what_the_server_did_not_act_on_is_repeated_whatever_the_method() {
    let (address, count) = statuses(&[425, 421, 200]).await;
    let answer = client().post(url(address)).body("order").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(count.load(Ordering::SeqCst), 3);
    // Unless the caller forbids it.
    let (address, count) = statuses(&[425, 200]).await;
    let answer = client().post(url(address)).idempotent(false).send().await.unwrap();
    assert_eq!((answer.status(), count.load(Ordering::SeqCst)), (StatusCode::TOO_EARLY, 1));
}

#[tokio::test]
async fn a_post_that_found_no_connection_is_repeated() {
    // A port that nobody listens on, until the second attempt.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = client().post(url(address)).send().await.unwrap_err();
    assert_eq!(error.gave_up().unwrap().attempts, 3);
    let verdict = class::of_error(error.operation().unwrap());
    assert_eq!(verdict, Class::Transient.not_carried_out());
}

/// reqwest-retry takes an answer that was cut off for safe to repeat, whatever the method.
#[tokio::test]
async fn a_post_that_was_sent_and_lost_is_not_repeated() {
    for (method, sent) in [(Method::POST, 1), (Method::GET, 3)] {
        for bytes in [&b""[..], b"HTTP/1.1 200 OK\r\ncontent-le", b"garbage\r\n\r\n"] {
            let count = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&count);
            let address = server::raw(move |mut stream| {
                counted.fetch_add(1, Ordering::SeqCst);
                async move { drop(stream.write_all(bytes).await) }
            })
            .await;
            let error = client().request(method.clone(), url(address)).send().await.unwrap_err();
            let verdict = class::of_error(error.operation().unwrap());
            assert_eq!(verdict.class, Class::Transient);
            assert_eq!(verdict.carried_out, CarriedOut::Maybe);
            assert_eq!(count.load(Ordering::SeqCst), sent, "{method} {bytes:?}");
        }
    }
}

#[tokio::test]
async fn a_server_that_is_down_does_not_keep_requests_from_another() {
    let (well, _) = statuses(&[200]).await;
    let (ill, count) = statuses(&[500]).await;
    let client = Client::builder("shop")
        .pipeline(|standard| {
            standard
                .timeout(Duration::from_secs(1))
                .breaker(|breaker| breaker.consecutive_failures(5))
        })
        .build()
        .unwrap();
    for _ in 0..30 {
        drop(client.get(url(ill)).send().await);
    }
    // Thirty answers of 500: the circuit is open.
    assert!(count.load(Ordering::SeqCst) < 30);
    let pipeline = client.pipeline(&ill.to_string());
    assert_ne!(pipeline.breaker().unwrap().state(), CircuitState::Closed);
    assert_eq!(client.get(url(well)).send().await.unwrap().status(), 200);
    assert_eq!(client.authorities(), 2);
}

#[tokio::test]
async fn authorities_are_bounded() {
    let client = Client::builder("shop").max_authorities(3).build().unwrap();
    for number in 0..100 {
        drop(client.pipeline(&format!("host-{number}")));
    }
    assert!(client.authorities() <= 3);
    assert!(Client::builder("shop").max_authorities(0).build().is_err());
}

#[tokio::test]
async fn the_deadline_ends_the_call_and_goes_out_with_it() {
    let address = server::answering(async |request| {
        let timeout = request.headers()["grpc-timeout"].to_str().unwrap().to_owned();
        drop(request.into_body().collect().await);
        Response::new(Full::new(Bytes::from(timeout)))
    })
    .await;
    let options = RequestOptions::new().deadline_header(DeadlineHeader::Grpc);
    let client = Client::builder("shop").options(options).build().unwrap();
    let deadline = Deadline::after(Duration::from_secs(5));
    let answer = client.get(url(address)).deadline(deadline).send().await.unwrap();
    let sent = Deadline::from_wire(answer.text().await.unwrap(), Duration::MAX).unwrap();
    assert!(sent.remaining().unwrap() <= Duration::from_secs(5));
    let passed = Deadline::after(Duration::ZERO);
    let error = client.get(url(address)).deadline(passed).send().await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let address = server::answering(async |_| {
        let redirect = Response::builder().status(302).header("location", "/elsewhere");
        redirect.body(Full::<Bytes>::default()).unwrap()
    })
    .await;
    assert_eq!(client().get(url(address)).send().await.unwrap().status(), 302);
}

#[tokio::test]
async fn a_body_in_memory_is_sent_again_and_a_request_that_cant_be_built_is_permanent() {
    let (count, bodies) = (AtomicUsize::new(0), parking_lot::Mutex::new(Vec::new()));
    let shared = Arc::new((count, bodies));
    let seen = Arc::clone(&shared);
    let address = server::answering(move |request| {
        let seen = Arc::clone(&seen);
        async move {
            let body = request.into_body().collect().await.unwrap().to_bytes();
            seen.1.lock().push(body);
            let status = if seen.0.fetch_add(1, Ordering::SeqCst) < 2 { 503 } else { 200 };
            Response::builder().status(status).body(Full::<Bytes>::default()).unwrap()
        }
    })
    .await;
    let answer = client().put(url(address)).body("the whole order").send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(*shared.1.lock(), ["the whole order"; 3]);
    let error = client().get("no url").send().await.unwrap_err();
    assert_eq!(error.class(), Class::Permanent);
}

/// caddy#7396, go#20071: a call whose caller has gone was repeated.
#[tokio::test]
async fn a_call_that_is_dropped_ends_its_attempt_and_is_not_repeated() {
    let (arrived, mut arrivals) = tokio::sync::mpsc::channel(10);
    let address = server::answering(move |_| {
        let arrived = arrived.clone();
        async move {
            arrived.send(()).await.unwrap();
            std::future::pending::<Response<Full<Bytes>>>().await
        }
    })
    .await;
    let client = client();
    let call = tokio::spawn(client.get(url(address)).send());
    arrivals.recv().await.unwrap();
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    assert!(arrivals.try_recv().is_err(), "one attempt");
    let pipeline = client.pipeline(&address.to_string());
    assert_eq!(pipeline.breaker().unwrap().snapshot().totals.failures, 0);
}

/// better-ccflare#465: answers that were discarded kept their connections.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn answers_that_are_discarded_leave_no_descriptor_open() {
    let descriptors = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    // Every second request is answered well, so that what was discarded is repeated at once.
    let requests = Arc::new(AtomicUsize::new(0));
    let address = server::answering(move |_| {
        let request = requests.fetch_add(1, Ordering::SeqCst);
        async move {
            let status = if request.is_multiple_of(2) { 500 } else { 200 };
            let body = Full::new(Bytes::from(vec![b'x'; 20_000]));
            Response::builder().status(status).body(body).unwrap()
        }
    })
    .await;
    let client = Client::builder("shop")
        .pipeline(|standard| standard.timeout(Duration::from_millis(500)))
        .build()
        .unwrap();
    let mut most = 0;
    for call in 0..300 {
        let answer = client.get(url(address)).send().await.unwrap();
        assert_eq!(answer.status(), 200);
        if call % 50 == 0 {
            most = most.max(descriptors());
        }
    }
    // Other tests have theirs open, too.
    let waited = tokio::time::timeout(Duration::from_secs(20), async {
        while descriptors() > 200 {
            tokio::task::yield_now().await;
        }
    });
    waited.await.expect("level");
    assert!(most < 500, "{most}");
}

/// reqwest's connector demands `Box<dyn Error>` of a layer, exactly.
#[tokio::test]
async fn a_policy_goes_around_the_dialling_of_reqwest() {
    let breaker = Breaker::builder().build().unwrap();
    let layer = PipelineLayer::single("dial", breaker.clone()).unwrap().boxed_errors();
    let http = reqwest::Client::builder().connector_layer(layer).build().unwrap();
    let (address, _) = statuses(&[200]).await;
    assert_eq!(http.get(url(address)).send().await.unwrap().status(), 200);
    breaker.force_open();
    // The connection that is there is used without a dial.
    assert_eq!(http.get(url(address)).send().await.unwrap().status(), 200);
    let (other, _) = statuses(&[200]).await;
    let error = http.get(url(other)).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert_eq!(class::of_error(&error), Class::Transient.not_carried_out());
}
