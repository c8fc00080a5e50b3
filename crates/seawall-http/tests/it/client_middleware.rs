//! The client as a middleware of reqwest-middleware.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Extensions, Response, StatusCode};
use http_body_util::Full;
use reqwest::Request;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error, Middleware, Next};
use seawall::Deadline;
use seawall_http::{ClientLayer, Idempotent};

use crate::server;

/// Counts attempts, and notes the last.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicUsize>);

#[derive(Clone, Debug, PartialEq)]
struct Attempt(usize);

#[async_trait]
impl Middleware for Counter {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<reqwest::Response, Error> {
        extensions.insert(Attempt(self.0.fetch_add(1, Ordering::SeqCst) + 1));
        next.run(request, extensions).await
    }
}

/// Notes what came back in the extensions.
#[derive(Clone, Default)]
struct Outermost(Arc<parking_lot::Mutex<Option<Attempt>>>);

#[async_trait]
impl Middleware for Outermost {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<reqwest::Response, Error> {
        let outcome = next.run(request, extensions).await;
        *self.0.lock() = extensions.get().cloned();
        outcome
    }
}

fn client() -> (ClientWithMiddleware, ClientLayer, Counter, Outermost) {
    let layer = ClientLayer::builder("shop")
        .pipeline(|standard| standard.timeout(Duration::from_secs(2)).breaker(|breaker| breaker))
        .build()
        .unwrap();
    let (counter, outermost) = (Counter::default(), Outermost::default());
    let http = reqwest::Client::builder().retry(reqwest::retry::never()).build().unwrap();
    let client = ClientBuilder::new(http)
        .with(outermost.clone())
        .with(layer.clone())
        .with(counter.clone())
        .build();
    (client, layer, counter, outermost)
}

async fn failing(times: usize) -> String {
    let calls = Arc::new(AtomicUsize::new(0));
    let address = server::answering(move |_| {
        let status = if calls.fetch_add(1, Ordering::SeqCst) < times { 502 } else { 200 };
        async move { Response::builder().status(status).body(Full::new(Bytes::from("answer"))).unwrap() }
    });
    format!("http://{}/", address.await)
}

#[tokio::test]
async fn middleware_behind_it_sees_each_attempt_and_that_before_it_sees_the_call() {
    let (client, layer, counter, outermost) = client();
    let url = failing(2).await;
    let answer = client.get(&url).send().await.unwrap();
    assert_eq!((answer.status(), answer.url().as_str()), (StatusCode::OK, url.as_str()));
    assert_eq!(answer.text().await.unwrap(), "answer");
    assert_eq!(counter.0.load(Ordering::SeqCst), 3);
    assert_eq!(*outermost.0.lock(), Some(Attempt(3)), "what the last attempt left");
    assert_eq!(layer.authorities(), 1);
}

#[tokio::test]
async fn a_post_is_sent_once_unless_its_extensions_say_otherwise() {
    let (client, _, counter, _) = client();
    let url = failing(2).await;
    assert_eq!(client.post(&url).body("order").send().await.unwrap().status(), 502);
    assert_eq!(counter.0.load(Ordering::SeqCst), 1);
    let call = client.post(&url).body("order").with_extension(Idempotent(true));
    assert_eq!(call.send().await.unwrap().status(), 200);
    assert_eq!(counter.0.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn errors_of_reqwest_stay_theirs_and_those_of_the_pipeline_are_found_in_the_middlewares() {
    let (client, layer, counter, _) = client();
    let nowhere = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let authority = nowhere.local_addr().unwrap().to_string();
    drop(nowhere);
    let url = format!("http://{authority}/");
    let error = client.post(&url).send().await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert_eq!(counter.0.load(Ordering::SeqCst), 3, "nothing was sent");

    layer.pipeline(&authority).breaker().unwrap().force_open();
    let refused = client.get(&url).send().await.unwrap_err();
    let passed = Deadline::after(Duration::ZERO);
    let late = client.get(failing(0).await).with_extension(passed).send().await.unwrap_err();
    let pipelines = |error: Error| match error {
        Error::Middleware(error) => error.downcast::<seawall::Error<Error>>().unwrap(),
        Error::Reqwest(error) => panic!("{error:?}"),
    };
    assert!(pipelines(refused).rejection().is_some());
    assert!(pipelines(late).is_timeout());
}
