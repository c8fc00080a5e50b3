//! Correlation ids and traces.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use seawall::capture::store::Filter;
use seawall::capture::{Capture, MemoryStore};
use seawall::{Fallback, Hedge, Pipeline, Retry};
use seawall_telemetry::context::{self, Context};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn from(headers: &[(&'static str, &str)]) -> Context {
    let headers: HashMap<_, _> = headers.iter().copied().collect();
    Context::from_headers(|name| headers.get(name).map(|it| it.as_bytes()))
}

fn header(context: &Context, name: &str) -> Option<String> {
    context.headers("shop").into_iter().find(|it| it.0 == name).map(|it| it.1)
}

/// The vectors of the W3C test suite: what goes on with the trace, and what begins a new one.
#[test]
fn traceparent_is_read_as_w3c_says() {
    let whole = format!("00-{TRACE}-{SPAN}-01");
    let goes_on = [
        whole.clone(),
        format!("00-{TRACE}-{SPAN}-00"),
        // Flags that nobody knows yet.
        format!("00-{TRACE}-{SPAN}-ff"),
        // A later version, and one with more in it.
        format!("cc-{TRACE}-{SPAN}-01"),
        format!("cc-{TRACE}-{SPAN}-01-what-the-future-will-be-like"),
    ];
    for traceparent in goes_on {
        let context = from(&[("traceparent", &traceparent), ("tracestate", "foo=1")]);
        assert_eq!(context.trace_id(), TRACE, "{traceparent}");
        assert_ne!(context.span_id(), SPAN, "a span of its own");
        assert_eq!(header(&context, "tracestate").as_deref(), Some("foo=1"));
    }
    let begins = [
        String::new(),
        "0".repeat(55),
        format!("ff-{TRACE}-{SPAN}-01"),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{TRACE}-{}-01", "0".repeat(16)),
        whole.to_uppercase(),
        format!("{whole}-what-the-future-will-not-be-like"),
        format!("{whole}."),
        format!("cc-{TRACE}-{SPAN}-01.what-the-future-will-not-be-like"),
        format!(".0-{TRACE}-{SPAN}-01"),
        format!("0-{TRACE}-{SPAN}-01"),
        format!("00-.{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{}-{SPAN}-01", &TRACE[1..]),
        format!("00-{TRACE}-.{}-01", &SPAN[1..]),
        format!("00-{TRACE}-{SPAN}-.0"),
        format!("00-{TRACE}-{SPAN}-1"),
        format!(" {whole}"),
        format!("00-{TRACE}-{SPAN}-0ü"),
    ];
    for traceparent in begins {
        let context = from(&[("traceparent", &traceparent), ("tracestate", "foo=1")]);
        assert_ne!(context.trace_id(), TRACE, "{traceparent}");
        assert_eq!(context.trace_id().len(), 32);
        assert_eq!(header(&context, "tracestate"), None, "the state of another trace");
    }
    let context = from(&[("traceparent", &whole)]);
    let sent = header(&context, "traceparent").unwrap();
    assert_eq!(sent, format!("00-{TRACE}-{}-01", context.span_id()));
}

#[test]
fn tracestate_is_cut_between_members() {
    let traceparent = format!("00-{TRACE}-{SPAN}-01");
    let kept = |state: &str| {
        let context = from(&[("traceparent", &traceparent), ("tracestate", state)]);
        header(&context, "tracestate").unwrap_or_default()
    };
    let members: Vec<_> = (0..40).map(|number| format!("k{number}=v")).collect();
    assert_eq!(kept(&members.join(",")), members[..32].join(","));
    let long = [format!("a={}", "x".repeat(400)), format!("b={}", "y".repeat(200))];
    assert_eq!(kept(&long.join(",")), long[0]);
    assert_eq!(kept("a=\u{7f}"), "");
}

#[test]
fn an_id_of_another_form_is_replaced_and_counted() {
    let id = "order-17.A_b".to_owned();
    assert_eq!(from(&[("x-correlation-id", &id)]).correlation_id(), id);
    let [(_, before), _] = context::replaced();
    let (long, umlaut) = ("x".repeat(10_240), "ö".to_owned());
    for wrong in ["a\nb", "", "a b", &long, &umlaut, &"x".repeat(129)] {
        let context = from(&[("x-correlation-id", wrong)]);
        let id = context.correlation_id();
        assert_ne!(id, wrong);
        let parts: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12], "a UUID: {id}");
        assert!(id[14..].starts_with('4') && "89ab".contains(&id[19..20]), "of version 4: {id}");
    }
    let [(_, after), _] = context::replaced();
    assert_eq!(after - before, 6);
}

fn current() -> String {
    Context::current().map_or_else(|| context::NONE.to_owned(), |it| it.correlation_id().to_owned())
}

#[tokio::test(start_paused = true)]
async fn it_is_kept_through_retries_hedges_fallbacks_and_spawned_tasks() {
    assert_eq!(current(), "N/A");
    let seen = Arc::new(Mutex::new(Vec::new()));
    let note = |what: &'static str| seen.lock().push((what, current()));
    let retried = Pipeline::builder("a").retry(Retry::builder().idempotent().max_attempts(3));
    let retried = retried.build().unwrap();
    let hedged = Pipeline::builder("b").hedge(Hedge::builder().delay(Duration::from_millis(10)));
    let hedged = hedged.build().unwrap();
    let fallback = {
        let seen = Arc::clone(&seen);
        Fallback::<u32, &str>::with(move |_| {
            seen.lock().push(("fallback", current()));
            7
        })
    };
    let fallback = Pipeline::builder("c").fallback(fallback).build().unwrap();
    let work = async {
        let _ = retried
            .call(async || {
                tokio::time::sleep(Duration::from_millis(1)).await;
                note("retried");
                Err::<(), _>("down")
            })
            .await;
        let _ = hedged
            .call(async || {
                tokio::time::sleep(Duration::from_secs(1)).await;
                note("hedged");
                Ok::<_, &str>(())
            })
            .await;
        assert_eq!(fallback.call(async || Err("down")).await.ok(), Some(7));
        let spawned = Arc::clone(&seen);
        let task = context::spawn(async move {
            tokio::task::yield_now().await;
            spawned.lock().push(("spawned", current()));
        });
        task.await.unwrap();
    };
    Context::new().with_correlation_id("r-1").scope(work).await;
    let seen = std::mem::take(&mut *seen.lock());
    assert!(seen.iter().all(|(_, id)| id == "r-1"), "{seen:?}");
    let whats: Vec<_> = seen.iter().map(|it| it.0).collect();
    for (what, least) in [("retried", 3), ("hedged", 1), ("fallback", 1), ("spawned", 1)] {
        assert!(whats.iter().filter(|it| **it == what).count() >= least, "{what}: {whats:?}");
    }
}

#[tokio::test]
async fn concurrent_requests_never_mix() {
    let tasks: Vec<_> = (0..50)
        .map(|number| {
            let id = format!("r-{number}");
            let context = Context::new().with_correlation_id(&id);
            tokio::spawn(context.scope(async move {
                for _ in 0..20 {
                    assert_eq!(current(), id);
                    tokio::task::yield_now().await;
                }
            }))
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(current(), "N/A");
}

#[tokio::test]
async fn what_is_captured_carries_the_ids_and_what_the_request_said() {
    let store = MemoryStore::default();
    let capture = Capture::builder().store(store.clone()).build().unwrap();
    let orders = capture.final_failures("orders");
    let context = Context::new().with_correlation_id("r-17").tag("version", "1.2").user(9, "ann");
    let call = orders.call(async { Err::<(), _>(std::io::Error::other("no route")) });
    let _ = context.clone().scope(call).await;
    let record = store.list(&Filter::default()).remove(0).last;
    assert_eq!(record.details.correlation_id, "r-17");
    assert_eq!(record.details.trace_id, context.trace_id());
    assert_eq!(record.details.span_id, context.span_id());
    assert_eq!(record.tag("version"), Some("1.2"));
    let user = record.details.values.iter().find(|it| it.0 == "user").expect("the user");
    assert!(user.1.len() == 16 && !user.1.contains("ann"), "{user:?}");
}
