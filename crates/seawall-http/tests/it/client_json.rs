//! Bodies in JSON.

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use seawall_http::Client;
use serde_json::{Value, json};

use crate::server;

#[tokio::test]
async fn a_body_in_json_comes_back_as_it_went() {
    let address = server::answering(|request| async {
        assert_eq!(request.headers()["content-type"], "application/json");
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(Full::<Bytes>::new(body))
    })
    .await;
    let client = Client::new("shop").unwrap();
    let order = json!({ "item": "tea", "count": 2 });
    let answer = client.post(format!("http://{address}/")).json(&order).send().await.unwrap();
    assert_eq!(answer.json::<Value>().await.unwrap(), order);
}
