//! The deadline of an incoming request goes out with the calls that are made for it.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use seawall_http::{Client, DeadlineHeader, DeadlineReader, RequestOptions, RespondLayer};
use tower::{Layer, ServiceExt, service_fn};

use crate::server;

const ENVOY: &str = "x-envoy-expected-rq-timeout-ms";

/// What the server behind the service learns, in milliseconds, when a caller waits for 2 s.
async fn passed_on(options: RequestOptions) -> u64 {
    let address = server::answering(async |request| {
        let left = request.headers()[ENVOY].clone();
        Response::new(Full::new(Bytes::copy_from_slice(left.as_bytes())))
    })
    .await;
    let options = options.deadline_header(DeadlineHeader::Envoy);
    let client = Client::builder("shop").options(options).build().unwrap();
    let service = service_fn(move |_: Request<Full<Bytes>>| {
        let call = client.get(format!("http://{address}/")).send();
        async move {
            let left = call.await?.text().await.unwrap();
            Ok::<_, seawall::Error<reqwest::Error>>(Response::new(Full::<Bytes>::from(left)))
        }
    });
    let front = RespondLayer::new().deadlines(DeadlineReader::new(Duration::from_secs(30)));
    let request = Request::get("/").header("grpc-timeout", "2S").body(Full::default()).unwrap();
    let answer = front.layer(service).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
    std::str::from_utf8(&body).unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_a_caller_leaves_is_passed_on_less_a_margin_and_at_most_the_cap() {
    let left = passed_on(RequestOptions::new()).await;
    assert!((1..=2_000).contains(&left), "{left}");
    let left = passed_on(RequestOptions::new().margin(Duration::from_millis(500))).await;
    assert!((1..=1_500).contains(&left), "{left}");
    let left = passed_on(RequestOptions::new().deadline_at_most(Duration::from_millis(200))).await;
    assert_eq!(left, 200);
}
