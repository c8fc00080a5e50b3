//! The server with peers of other makers: one that accepts no violation, and one that commits them.

use serde_json::json;

use crate::python;
use crate::served::Settings;
use crate::whole::{Whole, whole};

/// What h11 accepts is what the standard allows.
#[tokio::test]
async fn a_strict_client_finds_no_fault_in_the_answers() {
    let whole = whole(Settings::default()).await;
    let Some(answers) = python::run("judge.py", whole.address(), "").await else { return };
    let expected = [
        json!(["GET /", 200, [], "hello", [], true]),
        json!(["HEAD /", 200, [], "", [], true]),
        json!(["GET /204", 204, [], "", [], true]),
        json!(["GET /304", 304, [], "", [], true]),
        json!(["GET /panic", 500, [], "panicked", [], true]),
        json!(["GET /full", 503, [], "full", [], true]),
        json!(["POST /echo", 200, [], "body", [], true]),
        json!(["POST /echo", 200, [], "body", [["x-sum", "7"]], true]),
        json!(["POST /upload", 200, [100], "4", [], true]),
        json!(["GET /", 200, [], "hello", [], false]),
    ];
    assert_eq!(answers.len(), expected.len());
    for (answer, expected) in answers.iter().zip(expected) {
        let body = answer["body"].as_str().unwrap();
        // Of problem details the code counts.
        let problem: Option<serde_json::Value> = serde_json::from_str(body).ok();
        let code = problem.and_then(|problem| problem.get("code").cloned());
        let body = code.unwrap_or_else(|| json!(body));
        let parts = ["call", "status", "informational"].map(|part| &answer[part]);
        let (trailers, kept) = (&answer["trailers"], &answer["kept"]);
        assert_eq!(json!([parts[0], parts[1], parts[2], body, trailers, kept]), expected);
    }
    whole.is_well().await;
}

/// What the server does to a client that commits `deed`; the server is well after it.
async fn does(whole: &Whole, deed: &str) -> Option<serde_json::Value> {
    let seen = python::run("frames.py", whole.address(), deed).await?.remove(0);
    whole.is_well().await;
    Some(seen)
}

/// RFC 9113, section 7.
const PROTOCOL_ERROR: u32 = 1;
const FLOW_CONTROL_ERROR: u32 = 3;
const ENHANCE_YOUR_CALM: u32 = 11;

/// sozu 2.0.2 (G61), and the floods of G62.
#[tokio::test]
async fn floods_end_their_connection() {
    let whole = whole(Settings::default()).await;
    for (deed, word) in [
        ("continuation_flood", ENHANCE_YOUR_CALM),
        ("reset_by_the_server", ENHANCE_YOUR_CALM),
        ("window_overflow", FLOW_CONTROL_ERROR),
        ("even_stream", PROTOCOL_ERROR),
    ] {
        let Some(seen) = does(&whole, deed).await else { return };
        assert_eq!(seen["closed"], true, "{deed}: {seen}");
        // The word may be lost where the client still writes.
        assert!(seen["goaway"].is_null() || seen["goaway"] == word, "{deed}: {seen}");
    }
}

#[tokio::test]
async fn a_head_that_unpacks_to_far_more_is_refused() {
    let whole = whole(Settings::default()).await;
    let Some(seen) = does(&whole, "indexed_flood").await else { return };
    // By 431, by a reset, or by an end of the connection whose word is lost.
    let is_refused = seen["answers"]["1"] == 431 || !seen["resets"]["1"].is_null();
    assert!(is_refused || seen["answers"] == json!({}) && seen["closed"] == true, "{seen}");
}

#[tokio::test]
async fn errors_of_a_stream_end_the_stream() {
    let whole = whole(Settings::default()).await;
    let Some(seen) = does(&whole, "short_body").await else { return };
    let answer = &seen["answers"]["1"];
    assert!(*answer == 400 || seen["resets"]["1"] == PROTOCOL_ERROR, "{seen}");
    let Some(seen) = does(&whole, "data_after_the_end").await else { return };
    // The stream may be forgotten by then: that is an error of the connection.
    let is_refused = !seen["resets"]["1"].is_null() || !seen["goaway"].is_null();
    assert!(seen["answers"]["1"] == 200 || is_refused, "{seen}");
}

#[tokio::test]
async fn a_client_that_goes_away_gets_the_answer_that_it_waits_for() {
    let whole = whole(Settings::default()).await;
    let Some(seen) = does(&whole, "goes_away").await else { return };
    assert_eq!(seen["answers"]["1"], 200, "{seen}");
}
