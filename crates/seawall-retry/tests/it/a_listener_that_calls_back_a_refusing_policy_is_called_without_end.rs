//! A listener may use the policy that it hears of. One that asked a budget again on each refusal, or
//! called a retry again each time that it gave up, was called until the stack ended.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use seawall_core::{Event, EventKind, Listeners, StopReason};
use seawall_retry::{Backoff, Budget, Hedge, Retry};
use seawall_testkit::at_once;

/// Counts the events of a kind, and gives up where there is no end to them.
fn counted(events: &AtomicU32) {
    assert!(events.fetch_add(1, Relaxed) < 100, "a listener is called without end");
}

#[test]
fn a_budget_that_is_asked_again_on_each_refusal_ends() {
    let refusals = Arc::new(AtomicU32::new(0));
    let listeners = Listeners::default();
    let budget = Budget::builder().deposit(0.0).reserve(0.0).listeners(&listeners).build().unwrap();
    let (asked, count) = (budget.clone(), Arc::clone(&refusals));
    listeners.add(move |_: &Event| {
        counted(&count);
        assert!(asked.try_acquire().is_none());
    });
    assert!(budget.try_acquire().is_none());
    assert_eq!((refusals.load(Relaxed), budget.snapshot().refused), (1, 2));
}

#[test]
fn a_retry_that_is_called_again_each_time_that_it_gives_up_ends() {
    let gave_up = Arc::new(AtomicU32::new(0));
    let handle = Arc::new(OnceLock::<Retry>::new());
    let retry = Retry::builder().idempotent().max_attempts(2).backoff(Backoff::none());
    let retry = retry.build().unwrap();
    let (again, count) = (Arc::clone(&handle), Arc::clone(&gave_up));
    retry.listeners().add(move |event: &Event| {
        if matches!(event.kind, EventKind::GaveUp { .. }) {
            counted(&count);
            if let Some(retry) = again.get() {
                let error = at_once(retry.call(async || Err::<(), _>("down"))).unwrap_err();
                assert_eq!(error.gave_up().unwrap().why, StopReason::Attempts);
            }
        }
    });
    assert!(handle.set(retry.clone()).is_ok());
    assert!(at_once(retry.call(async || Err::<(), _>("down"))).is_err());
    assert_eq!(gave_up.load(Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn a_hedge_that_is_called_again_each_time_that_it_gives_up_ends() {
    let gave_up = Arc::new(AtomicU32::new(0));
    let hedge = Hedge::builder().delay(std::time::Duration::MAX).build().unwrap();
    let (again, count) = (hedge.clone(), Arc::clone(&gave_up));
    hedge.listeners().add(move |event: &Event| {
        if matches!(event.kind, EventKind::GaveUp { .. }) {
            counted(&count);
            assert!(at_once(again.call(async || Err::<(), _>("down"))).is_err());
        }
    });
    assert!(hedge.call(async || Err::<(), _>("down")).await.is_err());
    assert_eq!(gave_up.load(Relaxed), 1);
}
