//! What records say that policies and listeners capture: whose call it was, where it belongs, how
//! its breaker was.

use std::io;
use std::time::Duration;

use seawall_capture::store::Filter;
use seawall_capture::{Capture, Context, Draft, MemoryStore, Record};
use seawall_core::{
    CircuitState, Class, Event, EventKind, FromFuture, Lazy, Listener, Name, Policy, PolicyKind,
    StopReason, Transition,
};
use tokio::time::Instant;

fn capture() -> (Capture, MemoryStore) {
    let store = MemoryStore::default();
    (Capture::builder().without_backtraces().store(store.clone()).build().unwrap(), store)
}

fn only(store: &MemoryStore) -> Record {
    let mut groups = store.list(&Filter::default());
    assert_eq!(groups.len(), 1);
    groups.remove(0).last
}

fn event(kind: EventKind) -> Event {
    Event::new(Name::from("orders"), PolicyKind::Breaker, Instant::now(), kind)
}

async fn failing() -> Result<(), io::Error> {
    tokio::task::yield_now().await;
    Err(io::Error::other("no route"))
}

fn value<'r>(record: &'r Record, key: &str) -> Option<&'r str> {
    record.details.values.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

#[tokio::test]
async fn the_context_of_a_call_is_in_whatever_is_captured_in_it() {
    let context = || Context::default().correlation_id("r-17").trace("t", "s").tag("zone", "a");
    let check = |record: &Record| {
        let details = &record.details;
        assert_eq!((details.correlation_id.as_str(), record.tag("zone")), ("r-17", Some("a")));
        assert_eq!((details.trace_id.as_str(), details.span_id.as_str()), ("t", "s"));
    };
    let (by_policy, store) = capture();
    let orders = by_policy.final_failures("orders");
    assert!(context().scope(orders.call(failing())).await.is_err());
    check(&only(&store));

    let (by_listener, store) = capture();
    let listener = by_listener.listener();
    let gave_up = event(EventKind::gave_up(3, StopReason::Attempts, Class::Transient));
    context().run(|| listener.on_event(&gave_up));
    check(&only(&store));

    let (by_hand, store) = capture();
    let secret = context().value("password", "hunter2");
    secret.run(|| by_hand.record(Draft::new("E", "x").tag("zone", "b").correlation_id("own")));
    let record = only(&store);
    assert_eq!((record.details.correlation_id.as_str(), record.tag("zone")), ("own", Some("b")));
    assert_eq!(value(&record, "password"), Some("[redacted]"), "redacted like all the rest");
}

/// Two calls that take turns on one thread, and one that panics, mix nothing up.
#[tokio::test]
async fn contexts_stay_with_their_calls() {
    let (capture, store) = capture();
    let call = |id: &'static str| {
        let capture = &capture;
        Context::default().correlation_id(id).scope(async move {
            tokio::task::yield_now().await;
            capture.record(Draft::new(id, "x"));
        })
    };
    tokio::join!(call("a"), call("b"));
    let panics = seawall_core::contain(|| Context::default().tag("k", "v").run(|| panic!("no")));
    assert!(panics.is_err());
    capture.record(Draft::new("", "x"));
    for group in store.list(&Filter::default()) {
        assert_eq!(group.last.details.correlation_id, group.last.type_name);
        assert!(group.last.tags.is_empty());
    }
}

#[tokio::test]
async fn the_state_of_the_breaker_is_in_it() {
    let (capture, store) = capture();
    let listener = capture.listener();
    let mut open = Transition::new(CircuitState::Closed, CircuitState::Open, 7);
    open.retry_after = Some(Duration::from_secs(5));
    listener.on_event(&event(EventKind::Transition(open)));
    let record = only(&store);
    let values = ["circuit", "generation", "retry_after"].map(|key| value(&record, key));
    assert_eq!(values, [Some("open"), Some("7"), Some("5s")]);
    assert!(
        record.details.location.contains("records_of_pipelines.rs"),
        "{}",
        record.details.location
    );
    assert!(capture.final_failures("orders").call(failing()).await.is_err());
    let groups = store.list(&Filter::default());
    let failure = groups.iter().find(|group| group.last.type_name.contains("io")).unwrap();
    assert_eq!(value(&failure.last, "circuit"), Some("open"));
}

/// A 404 is what the caller asked for, and no failure of the service.
#[tokio::test]
async fn what_was_asked_wrongly_is_out_unless_asked_for() {
    let permanent = |_: &io::Error| Class::Permanent;
    let gave_up = event(EventKind::gave_up(1, StopReason::Permanent, Class::Permanent));
    let (capture, store) = capture();
    let orders = capture.final_failures("orders");
    assert!(Lazy::new(orders.wrap(FromFuture::new(failing(), &permanent))).await.is_err());
    capture.listener().on_event(&gave_up);
    assert_eq!((store.totals().recorded, capture.skipped().permanent), (0, 2));
    // For one pipeline, and for all.
    let orders = orders.classes(|class| class == Class::Permanent);
    assert!(Lazy::new(orders.wrap(FromFuture::new(failing(), &permanent))).await.is_err());
    assert_eq!(store.totals().recorded, 1);
    let builder = Capture::builder().store(store.clone()).classes(|_| true);
    let capture = builder.build().unwrap();
    let orders = capture.final_failures("orders");
    assert!(Lazy::new(orders.wrap(FromFuture::new(failing(), &permanent))).await.is_err());
    capture.listener().on_event(&gave_up);
    assert_eq!(store.totals().recorded, 3);
}
