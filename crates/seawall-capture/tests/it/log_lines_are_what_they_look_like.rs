//! A line of a log shows what is in it, and nothing that must not be kept.

use seawall_capture::digest::{JsonLines, Sink};
use seawall_capture::log::{Audience, line};
use seawall_capture::{Capture, Draft, Record};
use serde_json::{Value, json};

use crate::digest_bench::{Bench, SECOND};

const HIDDEN: &str = "\u{202e}\u{2028}\u{2029}\u{2066}\u{feff}\u{85}\u{7f}\u{200f}\u{61c}\u{e0041}";

fn record(draft: Draft) -> Record {
    Capture::builder().build().unwrap().prepare(draft)
}

fn is_plain(line: &str) {
    assert!(line.chars().all(|c| c == 'é' || !c.is_control() && c < '\u{7f}'), "{line:?}");
}

#[test]
fn what_is_hidden_is_escaped() {
    let text = format!("é{HIDDEN}end");
    let draft = Draft::new(&text, &text).description(&text).source(&text).tag(&text, &text);
    let record = record(draft.value(&text, &text));
    for audience in [Audience::Internal, Audience::Public] {
        let line = line(&record, audience, &[(&text, text.as_str().into())]);
        is_plain(&line);
        let read: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["error"]["type"], text.as_str(), "nothing is lost");
    }
}

#[tokio::test(start_paused = true)]
async fn in_digests_as_well() {
    let bench = Bench::new();
    bench.fail(&format!("é{HIDDEN}"));
    bench.clock.advance(SECOND * 30);
    let digest = bench.step().await.remove(0);
    let lines = JsonLines::new(Vec::new());
    lines.send(&digest).await.unwrap();
    is_plain(String::from_utf8(lines.into_inner()).unwrap().trim_end());
    assert!(!digest.text(4096).contains(|c| c != '\n' && HIDDEN.contains(c)));
}

#[test]
fn fields_of_the_caller_are_redacted() {
    let record = record(Draft::new("E", "x"));
    let fields = [
        ("password", json!("hunter2")),
        ("pins", json!({ "token": 7, "mail": ["ann@example.org", { "api_key": "k" }] })),
        ("url", json!("postgres://app:hunter2@db/x")),
        ("card", json!(4_111_111_111_111_111_u64)),
        ("ann@example.org", json!(true)),
        ("count", json!(3)),
    ];
    let line = line(&record, Audience::Public, &fields);
    for secret in ["hunter2", "ann@", "\"k\"", "4111"] {
        assert!(!line.contains(secret), "{secret}: {line}");
    }
    let read: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&read["count"], &read["pins"]["token"]), (&json!(3), &json!("[redacted]")));
}

#[test]
fn ids_are_visible() {
    let id = "a\r\nb\0é\u{202e} c";
    let record = record(Draft::new("E", "x").correlation_id(id).trace(id, &"z".repeat(1_000)));
    let details = &record.details;
    assert_eq!(
        (details.correlation_id.as_str(), details.trace_id.as_str()),
        ("a__b____c", "a__b____c")
    );
    assert_eq!(details.span_id.len(), 64);
}
