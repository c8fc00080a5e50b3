//! The line of a log, and the attributes of OpenTelemetry.

use proptest::prelude::*;
use seawall_capture::log::{Audience, RESERVED, line, otel_attributes};
use seawall_capture::{Capture, Draft, Kind, Record, Redactor, Severity, Timestamp};
use serde_json::{Value, json};

fn capture() -> Capture {
    Capture::builder()
        .service("billing")
        .version("1.2.3")
        .environment("prod")
        .host("h1")
        .build()
        .unwrap()
}

fn record() -> Record {
    let mut report = seawall_core::contain(|| panic!("invoice 4711 is gone")).unwrap_err();
    report.location = Some("src/cart.rs:1:2".into());
    report.backtrace = Some("0: std::x\n1: shop::total\n at ./src/cart.rs:42:9\n".into());
    let draft = Draft::panic(&report)
        .at(Timestamp::from_millis(1_700_000_000_123))
        .severity(Severity::Critical)
        .kind(Kind::Logic)
        .source("cart")
        .correlation_id("c1")
        .trace("t1", "s1")
        .tag("zone", "a")
        .value("customer", "77")
        .fingerprint("gone");
    capture().prepare(draft)
}

#[test]
fn an_internal_line_has_everything_in_its_place() {
    let record = record();
    let line: Value = serde_json::from_str(&line(&record, Audience::Internal, &[])).unwrap();
    let expected = json!({
        "timestamp": "2023-11-14T22:13:20.123Z",
        "level": "fatal",
        "message": "invoice 4711 is gone",
        "service": "billing", "version": "1.2.3", "environment": "prod", "host": "h1",
        "source": "cart",
        "correlation_id": "c1", "trace_id": "t1", "span_id": "s1",
        "severity": "critical", "kind": "logic",
        "tags": { "zone": "a" },
        "details": { "customer": "77" },
        "error": {
            "type": "panic",
            "message": "invoice 4711 is gone",
            "fingerprint": record.grouping.fingerprint.to_string(),
            "fingerprint_version": 2,
            "grouped_by": "explicit",
            "location": "src/cart.rs:1:2",
            "stack_trace": "  std::x\n> shop::total (./src/cart.rs:42)",
        },
    });
    assert_eq!(line, expected);
}

#[test]
fn a_public_line_has_nothing_that_stays() {
    let line = line(&record(), Audience::Public, &[]);
    for stays in ["4711", "c1", "t1", "s1", "customer", "cart.rs"] {
        assert!(!line.contains(stays), "{stays} in {line}");
    }
    assert!(line.contains("invoice <num> is gone"));
}

#[test]
fn a_callers_field_overwrites_none_of_ours() {
    let fields: Vec<_> = RESERVED.iter().map(|name| (*name, Value::from("forged"))).collect();
    let line: Value = serde_json::from_str(&line(&record(), Audience::Internal, &fields)).unwrap();
    for name in RESERVED {
        assert_ne!(line[name], "forged", "{name}");
        assert_eq!(line[&format!("caller.{name}")], "forged");
    }
}

#[test]
fn attributes_follow_the_semantic_conventions() {
    let attributes = otel_attributes(&record(), Audience::Internal);
    let get = |name| attributes.iter().find(|(key, _)| *key == name).map(|(_, value)| &**value);
    assert_eq!(get("exception.type"), Some("panic"));
    assert_eq!(get("exception.message"), Some("invoice 4711 is gone"));
    assert!(get("exception.stacktrace").unwrap().contains("shop::total"));
    assert_eq!(get("service.name"), Some("billing"));
    assert_eq!(get("deployment.environment.name"), Some("prod"));
    let public = otel_attributes(&record(), Audience::Public);
    assert!(
        public.iter().all(|(key, value)| *key != "exception.stacktrace" && !value.contains("4711"))
    );
}

proptest! {
    #[test]
    fn any_text_makes_one_line_of_json(text in any::<String>()) {
        let off = Redactor::that_keeps_every_secret_in_the_clear();
        let capture = Capture::builder().redactor(off).build().unwrap();
        let draft = Draft::new(&text, &text).source(&text).tag(&text, &text).value(&text, &text);
        let line = line(&capture.prepare(draft), Audience::Internal, &[(&text, "x".into())]);
        prop_assert!(!line.contains('\n') && !line.contains('\r'));
        let read: Value = serde_json::from_str(&line).unwrap();
        prop_assert!(read["error"]["fingerprint"].is_string());
    }
}
