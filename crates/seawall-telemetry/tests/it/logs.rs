//! Events, spans and log lines of `tracing`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall::{Breaker, Pipeline, Retry};
use seawall_telemetry::context::Context;
use seawall_telemetry::tracing::{Events, JsonLog, traced};
use serde_json::Value;
use tokio::time::advance;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::with_default;
use tracing::{Subscriber, info};
use tracing_subscriber::layer::{Context as LayerContext, SubscriberExt};
use tracing_subscriber::{Layer, Registry};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn subscriber(&self) -> impl Subscriber + Send + Sync + 'static {
        let log = JsonLog::builder().service("shop").environment("test").host("h1").version("1.2");
        Registry::default().with(log.build(self.clone()).unwrap())
    }

    fn read(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn a_line_has_every_field_of_the_schema_and_none_can_be_overwritten() {
    let lines = Lines::default();
    with_default(lines.subscriber(), || {
        info!(
            trace_id = "forged",
            level = "none",
            order = 17,
            password = "hunter2",
            "sold\u{202e}"
        );
        let context = Context::new().with_correlation_id("r-17");
        context.run(|| tracing::error!("order 4711 is gone"));
        context.run(|| tracing::error!("order 4712 is gone"));
    });
    let read = lines.read();
    for line in &read {
        for field in ["timestamp", "level", "message", "correlation_id", "trace_id", "span_id"] {
            assert!(line[field].is_string(), "{field} of {line}");
        }
        assert_eq!((&line["service"], &line["environment"]), (&"shop".into(), &"test".into()));
        assert!(line["error"].as_object().unwrap().contains_key("fingerprint"));
        let at = line["timestamp"].as_str().unwrap();
        assert!(at.len() == 24 && at.ends_with('Z') && &at[19..20] == ".", "{at}");
    }
    let first = &read[0];
    assert_eq!((&first["trace_id"], &first["caller.trace_id"]), (&"N/A".into(), &"forged".into()));
    assert_eq!((&first["level"], &first["caller.level"]), (&"INFO".into(), &"none".into()));
    assert_eq!((&first["order"], &first["password"]), (&17.into(), &"[redacted]".into()));
    assert!(first["error"]["fingerprint"].is_null());
    assert!(!String::from_utf8(lines.0.lock().clone()).unwrap().contains('\u{202e}'));
    assert_eq!(read[1]["correlation_id"], "r-17");
    assert_eq!(read[1]["error"]["fingerprint"], read[2]["error"]["fingerprint"], "one failure");
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_refusals_is_the_first_and_a_sum() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(lines.subscriber());
    let breaker = Breaker::builder().name("db").build().unwrap();
    breaker.listeners().add(Events::default());
    breaker.force_open();
    for _ in 0..1_000 {
        let _ = breaker.try_acquire();
        advance(Duration::from_millis(5)).await;
    }
    let refusals = |lines: &Lines| {
        let read = lines.read();
        read.into_iter().filter(|it| it["reason"] == "forced_open").collect::<Vec<_>>()
    };
    let first = refusals(&lines);
    assert_eq!(first.len(), 1, "{first:?}");
    assert_eq!(
        (&first[0]["level"], &first[0]["target"]),
        (&"DEBUG".into(), &"seawall::breaker".into())
    );
    advance(Events::SUMMARY).await;
    breaker.release();
    let both = refusals(&lines);
    assert_eq!(both.len(), 2);
    assert_eq!((&both[1]["more"], &both[1]["policy"]), (&999.into(), &"db".into()));
}

/// Keeps what spans record, by their name.
#[derive(Clone, Default)]
struct Spans(Arc<Mutex<BTreeMap<u64, BTreeMap<String, String>>>>);

struct Fields<'f>(&'f mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}").trim_matches('"').to_owned());
    }
}

impl<S: Subscriber> Layer<S> for Spans {
    fn on_new_span(&self, span: &Attributes<'_>, id: &Id, _: LayerContext<'_, S>) {
        let mut spans = self.0.lock();
        let fields = spans.entry(id.into_u64()).or_default();
        fields.insert("name".into(), span.metadata().name().into());
        span.record(&mut Fields(fields));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: LayerContext<'_, S>) {
        values.record(&mut Fields(self.0.lock().entry(id.into_u64()).or_default()));
    }
}

#[tokio::test(start_paused = true)]
async fn a_healed_attempt_does_not_mark_its_call_as_failed() {
    let spans = Spans::default();
    let _default = tracing::subscriber::set_default(Registry::default().with(spans.clone()));
    let retry = Retry::builder().idempotent();
    let pipeline = traced(Pipeline::builder("stock").retry(retry).build().unwrap());
    let mut left = 1;
    // The ids of spans that are over are used again, so all stay open to the end.
    let _outer = tracing::info_span!("outer").entered();
    let answer = pipeline.call(|| {
        left -= 1;
        async move { if left >= 0 { Err("busy") } else { Ok(()) } }
    });
    answer.await.unwrap();
    let spans = spans.0.lock();
    let call = spans.values().find(|it| it["name"] == "seawall.call").expect("a call");
    assert_eq!((call["outcome"].as_str(), call.get("error.type")), ("success", None));
    assert_eq!(call["pipeline"], "stock");
}

/// Panics wherever it is asked.
struct Panics;

impl<S: Subscriber> Layer<S> for Panics {
    fn on_new_span(&self, _: &Attributes<'_>, _: &Id, _: LayerContext<'_, S>) {
        panic!("on a new span");
    }

    fn on_event(&self, _: &tracing::Event<'_>, _: LayerContext<'_, S>) {
        panic!("on an event");
    }

    fn on_enter(&self, _: &Id, _: LayerContext<'_, S>) {
        panic!("on entering");
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_panics_harms_no_call() {
    let _default = tracing::subscriber::set_default(Registry::default().with(Panics));
    let retry = Retry::builder().idempotent().max_attempts(2);
    let pipeline = Pipeline::builder("stock").retry(retry).listener(Events::default());
    let pipeline = traced(pipeline.build().unwrap());
    pipeline.call(async || Ok::<_, &str>(())).await.unwrap();
    let error = pipeline.call(async || Err::<(), _>("down")).await.unwrap_err();
    assert_eq!(error.operation(), Some(&"down"));
    assert!(pipeline.listeners().panics() > 0);
}
