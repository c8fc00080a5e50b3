//! Captured once, where a failure is final.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use seawall_capture::store::Filter;
use seawall_capture::{Capture, MemoryStore};
use seawall_core::error::Evidence;
use seawall_core::{
    AllTransient, Attempt, Chain, CircuitState, Class, Error, Event, EventKind, FromFn, FromFuture,
    Lazy, Listener, Listeners, Name, Operation, Policy, PolicyKind, Rule, Scope, StopReason,
    TimedOut, TimedOutBy, Transition, contain,
};
use tokio::time::Instant;

fn capture() -> (Capture, MemoryStore) {
    let store = MemoryStore::default();
    let builder = Capture::builder().without_backtraces().store(store.clone());
    (builder.build().unwrap(), store)
}

fn broken() -> io::Error {
    io::Error::other("no route to 10.0.0.1")
}

async fn failing() -> Result<(), io::Error> {
    Err(broken())
}

fn event(name: &str, kind: EventKind) -> Event {
    Event::new(Name::from(name), PolicyKind::Breaker, Instant::now(), kind)
}

#[tokio::test]
async fn a_final_failure_is_captured_once() {
    let (capture, store) = capture();
    let orders = capture.final_failures("orders");
    assert!(orders.call(failing()).await.is_err());
    assert!(orders.call(async { Ok::<_, io::Error>(()) }).await.is_ok());
    let group = store.list(&Filter::default()).remove(0);
    assert_eq!((group.count, group.last.source.as_str()), (1, "orders"));
    assert_eq!(group.last.type_name, "std::io::error::Error");
    assert!(group.last.details.location.contains("tests/it/join.rs"));
}

#[tokio::test]
async fn of_two_pipelines_one_inside_the_other_the_outer_captures() {
    let (capture, store) = capture();
    let (outer, inner) = (capture.final_failures("outer"), capture.final_failures("inner"));
    let nested = Chain::new(&outer, &inner);
    let result = Lazy::new(nested.wrap(FromFuture::new(failing(), &AllTransient))).await;
    assert!(result.is_err());
    assert_eq!((store.totals().recorded, capture.skipped().inner), (1, 1));
    // Healed by what is between them: nothing is captured.
    let healed = outer.call(async {
        if inner.call(failing()).await.is_err() {
            return Ok::<_, io::Error>("from the cache");
        }
        Ok("fresh")
    });
    assert_eq!(healed.await.unwrap(), "from the cache");
    assert_eq!((store.totals().recorded, capture.skipped().inner), (1, 2));
    // Wrapped into another error on the way: still once.
    let wrapped = outer.call(async { inner.call(failing()).await.map_err(io::Error::other) });
    assert!(wrapped.await.is_err());
    assert_eq!((store.totals().recorded, capture.skipped().inner), (2, 3));
    // Afterwards the inner one by itself captures.
    assert!(inner.call(failing()).await.is_err());
    assert_eq!(store.totals().recorded, 3);
}

#[tokio::test]
async fn what_is_ignored_or_cancelled_is_counted_and_not_captured() {
    let (capture, store) = capture();
    let failures = capture.final_failures("x");
    for class in [Class::Ignored, Class::Cancelled] {
        let classify = move |_: &io::Error| class;
        let call = failures.wrap(FromFuture::new(failing(), &classify));
        assert!(Lazy::new(call).await.is_err());
    }
    assert_eq!(store.totals().recorded, 0);
    assert_eq!((capture.skipped().ignored, capture.skipped().cancelled), (1, 1));
}

#[tokio::test]
async fn a_panic_of_the_inner_call_leaves_no_trace_behind() {
    let (capture, store) = capture();
    let failures = capture.final_failures("x");
    let task = {
        let failures = failures.clone();
        async move {
            let _ = failures.call(async { panic!("no") as Result<(), io::Error> }).await;
        }
    };
    assert!(contain(|| futures_block(task)).is_err());
    assert!(failures.call(failing()).await.is_err());
    assert_eq!(store.totals().recorded, 1);
}

fn futures_block(future: impl Future<Output = ()>) {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let _ = future.as_mut().poll(&mut cx);
}

#[tokio::test]
async fn a_call_that_is_dropped_anywhere_captures_nothing() {
    let (capture, store) = capture();
    let failures = capture.final_failures("x");
    seawall_testkit::at_every_await(
        || {
            failures.call(async {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                Ok::<_, io::Error>(())
            })
        },
        |_| assert_eq!(store.totals().recorded, 0),
    )
    .await;
    assert!(failures.call(failing()).await.is_err());
    assert_eq!((store.totals().recorded, capture.skipped().inner), (1, 0));
}

#[tokio::test]
async fn a_breaker_that_opens_says_what_failed() {
    let (capture, store) = capture();
    let listeners = Listeners::default();
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = Arc::clone(&log);
    // The log comes first, and hears of the causes all the same.
    listeners.add(move |event: &Event| lines.lock().unwrap().push(event.clone()));
    listeners.add(capture.listener());
    let attempts = capture.note_attempts("inventory");
    let mut run = attempts.wrap(FromFn::new(failing, &AllTransient));
    for _ in 0..3 {
        assert!(run.attempt(Attempt::first()).await.is_err());
    }
    let other = || async { Err::<(), _>(io::Error::other("reset by peer")) };
    let mut other = attempts.wrap(FromFn::new(other, &AllTransient));
    assert!(other.attempt(Attempt::first()).await.is_err());
    assert_eq!(store.totals().recorded, 0, "attempts are not captured");

    let evidence = Evidence::new(Rule::FailureRate, 0.5, 0.3, 8);
    let open = Transition::new(CircuitState::Closed, CircuitState::Open, 1).because(Some(evidence));
    listeners.emit(|| event("inventory", EventKind::Transition(open.clone())));
    let record = store.list(&Filter::default()).remove(0).last;
    let line = "breaker 'inventory': closed → open: 50% of 8 calls failed, threshold 30%; \
                failed: 3× no route to <ip>, 1× reset by peer";
    assert_eq!(record.description, line);
    let top = capture.prepare(seawall_capture::Draft::error(&broken())).grouping.fingerprint;
    let values = &record.details.values;
    assert_eq!(values[1].1, format!("{top} 3 no route to <ip>"));
    let told = log.lock().unwrap().remove(0);
    assert_eq!(told.to_string(), line);
    let EventKind::Transition(told) = told.kind else { panic!("a transition") };
    let names: Vec<_> =
        told.causes.iter().map(|cause| (&*cause.fingerprint, cause.count)).collect();
    assert_eq!(names[0], (&*top.to_string(), 3));
    assert_eq!(names.len(), 2);
    // From one opening to the next; another breaker is another group.
    listeners.emit(|| event("inventory", EventKind::Transition(open.clone())));
    listeners.emit(|| event("prices", EventKind::Transition(open.clone())));
    let close = Transition::new(CircuitState::Open, CircuitState::Closed, 2);
    listeners.emit(|| event("inventory", EventKind::Transition(close)));
    let groups = store.list(&Filter::default());
    assert_eq!(groups.len(), 2);
    let inventory = groups.iter().find(|group| group.last.source == "inventory").unwrap();
    assert_eq!(inventory.count, 2);
    assert!(!inventory.last.description.contains("failed: "));
}

#[tokio::test]
async fn the_listener_captures_what_is_final_and_counts_what_is_not() {
    let (capture, store) = capture();
    let listener = capture.listener();
    let tell = |kind| listener.on_event(&event("p", kind));
    tell(EventKind::retrying(1, Class::Transient, Duration::ZERO));
    tell(EventKind::gave_up(3, StopReason::Attempts, Class::Transient));
    tell(EventKind::gave_up(1, StopReason::Permanent, Class::Ignored));
    tell(EventKind::Panicked(contain(|| panic!("boom")).unwrap_err()));
    let limit = Duration::from_secs(1);
    for scope in [Scope::Total, Scope::Attempt] {
        let by = TimedOutBy::Limit;
        let name = Name::from("p");
        tell(EventKind::TimedOut(TimedOut::new(name, scope, by, limit, limit, Attempt::first())));
    }
    let mut types: Vec<_> =
        store.list(&Filter::default()).into_iter().map(|group| group.last.type_name).collect();
    types.sort();
    assert_eq!(types, ["panic", "seawall::GaveUp", "seawall::TimedOut[p]"]);
    assert_eq!((capture.skipped().retried, capture.skipped().ignored), (1, 1));
}

#[tokio::test]
async fn where_a_policy_captures_the_listener_leaves_it_to_it() {
    let (capture, store) = capture();
    let listener = capture.listener();
    let failures = capture.final_failures("x");
    let call = failures.call(async {
        listener
            .on_event(&event("r", EventKind::gave_up(3, StopReason::Attempts, Class::Transient)));
        failing().await
    });
    assert!(matches!(call.await, Err(Error::Operation { .. })));
    assert_eq!(store.totals().recorded, 1);
}

#[test]
fn it_describes_itself() {
    let (capture, _) = capture();
    let chain = Chain::new(capture.final_failures("f"), capture.note_attempts("a"));
    let text = chain.describe(seawall_core::Description::bare()).to_string();
    assert!(text.contains("captures final failures") && text.contains("what attempts fail of"));
}
