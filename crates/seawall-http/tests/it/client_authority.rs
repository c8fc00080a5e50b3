//! Policies of one authority.

use std::time::Duration;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::Full;
use seawall_http::Client;

use crate::server;

#[tokio::test]
async fn an_authority_has_policies_of_its_own_after_those_of_all() {
    let address = server::answering(|_| async {
        Response::builder().status(StatusCode::OK).body(Full::<Bytes>::default()).unwrap()
    })
    .await;
    let client = Client::builder("shop")
        .pipeline(|standard| standard.timeout(Duration::from_secs(7)))
        .authority(address.to_string(), |standard| standard.breaker(|breaker| breaker))
        .build()
        .unwrap();
    client.get(format!("http://{address}/")).send().await.unwrap();
    let (own, other) = (client.pipeline(&address.to_string()), client.pipeline("other.example"));
    assert!(own.breaker().is_some() && other.breaker().is_none());
    for pipeline in [own, other] {
        assert!(pipeline.describe().to_string().contains("7s"), "{}", pipeline.describe());
    }
}

#[test]
fn what_is_wrong_is_found_before_the_first_request() {
    let client = Client::builder("shop")
        .authority("inventory.example", |standard| {
            standard.breaker(|breaker| breaker.consecutive_failures(0))
        })
        .build();
    let error = client.unwrap_err().to_string();
    assert!(error.contains("shop[inventory.example]"), "{error}");
}
