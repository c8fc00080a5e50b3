//! The text of a scrape.

use std::time::Duration;

use seawall::{AdaptiveLimit, Breaker, Fallback, Hedge, Pipeline, RateLimit, Retry, Throttle};
use seawall_telemetry::{Format, Metrics};

use crate::prometheus::assert_well_formed;

type Error = std::io::Error;

fn failing() -> std::future::Ready<Result<(), Error>> {
    std::future::ready(Err(Error::other("down")))
}

/// Pipelines that have every kind of policy between them.
fn all_kinds(metrics: &Metrics) {
    let standard = Pipeline::standard("stock").attempt_timeout(Duration::from_secs(1));
    let standard = standard.breaker(|breaker| breaker).build().unwrap();
    drop(metrics.measure(standard).unwrap());
    let other = Pipeline::builder("orders")
        .fallback(Fallback::<(), Error>::value(()))
        .timeout(Duration::from_secs(2))
        .rate_limit(RateLimit::builder().per_second(100))
        .retry(Retry::builder().idempotent())
        .throttle(Throttle::builder())
        .breaker(Breaker::builder())
        .bulkhead(10)
        .attempt_timeout(Duration::from_millis(500))
        .adaptive_limit(AdaptiveLimit::builder())
        .guard_panics()
        .build()
        .unwrap();
    drop(metrics.measure(other).unwrap());
    let hedged = Pipeline::builder("prices").hedge(Hedge::builder()).build().unwrap();
    metrics.registry().register(&hedged).unwrap();
}

#[test]
fn promtool_has_no_complaint_after_the_start() {
    let metrics = Metrics::default();
    assert_well_formed(&metrics.text(Format::Prometheus));
    all_kinds(&metrics);
    assert_well_formed(&metrics.text(Format::Prometheus));
}

#[tokio::test(start_paused = true)]
async fn promtool_has_no_complaint_after_an_outage_and_an_order() {
    let metrics = Metrics::default();
    let breaker = Breaker::builder().name("stock").consecutive_failures(3).build().unwrap();
    let pipeline = Pipeline::builder("stock")
        .timeout(Duration::from_secs(2))
        .retry(Retry::builder().idempotent())
        .breaker(breaker.clone())
        .guard_panics()
        .build();
    let pipeline = metrics.measure(pipeline.unwrap()).unwrap();
    for _ in 0..20 {
        let _ = pipeline.call(failing).await;
    }
    assert_well_formed(&metrics.text(Format::Prometheus));
    breaker.force_open();
    let _ = pipeline.call(failing).await;
    breaker.shadow();
    let _ = pipeline.call(failing).await;
    assert_well_formed(&metrics.text(Format::Prometheus));
}

#[test]
fn the_text_of_openmetrics_names_families_without_the_suffix_and_ends() {
    let metrics = Metrics::default();
    all_kinds(&metrics);
    let text = metrics.text(Format::OpenMetrics);
    assert!(text.contains("# TYPE seawall_calls counter\n"), "{text}");
    assert!(text.contains("# UNIT seawall_breaker_state_seconds seconds\n"), "{text}");
    assert!(text.contains("seawall_calls_total{pipeline=\"stock\",outcome=\"success\"} 0\n"));
    assert!(text.ends_with("# EOF\n"));
    assert_eq!(text.matches("# EOF").count(), 1);
}

#[test]
fn what_a_name_has_is_escaped() {
    let metrics = Metrics::default();
    drop(metrics.calls("a \"b\" \\ c\nd ü"));
    let text = metrics.text(Format::Prometheus);
    assert!(text.contains(r#"pipeline="a \"b\" \\ c\nd ü""#), "{text}");
    assert_well_formed(&text);
}

#[tokio::test(start_paused = true)]
async fn a_histogram_adds_up() {
    let metrics = Metrics::default();
    let pipeline = metrics.measure(Pipeline::builder("stock").build().unwrap()).unwrap();
    for millis in [1, 2, 3, 40, 60_000] {
        let wait = || async move {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            Ok::<_, Error>(())
        };
        pipeline.call(wait).await.unwrap();
    }
    let text = metrics.text(Format::Prometheus);
    let line = |name: &str, le: &str| {
        let labels = r#"pipeline="stock",result="ok""#;
        format!("seawall_call_seconds{name}{{{labels}{le}}} ")
    };
    let expect = |name, le: &str, value: &str| {
        let line = format!("{}{value}\n", line(name, le));
        assert!(text.contains(&line), "{line} in {text}");
    };
    // A bound is part of its bucket.
    expect("_bucket", r#",le="0.001""#, "1");
    expect("_bucket", r#",le="0.0025""#, "2");
    expect("_bucket", r#",le="0.005""#, "3");
    expect("_bucket", r#",le="0.05""#, "4");
    expect("_bucket", r#",le="30.0""#, "4");
    expect("_bucket", r#",le="+Inf""#, "5");
    expect("_sum", "", "60.046");
    expect("_count", "", "5");
}
