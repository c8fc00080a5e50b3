//! A listener that calls the refusing policy was called again for the refusal that it caused
//! itself, until the stack ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use seawall_core::{Event, Listeners, Random};
use seawall_limit::{AdaptiveLimit, Bulkhead, KeyedRateLimit, RateLimit, Throttle};

const HOUR: Duration = Duration::from_hours(1);

/// Refuses once, with a listener that lets `refuse` refuse again. Returns how often it was called.
fn calls_of_a_listener_that_calls(
    listeners: &Listeners,
    refuse: impl Fn() + Send + Sync + 'static,
) -> u32 {
    let refuse = Arc::new(refuse);
    let calls = Arc::new(AtomicU32::new(0));
    listeners.add({
        let (refuse, calls) = (Arc::clone(&refuse), Arc::clone(&calls));
        move |_: &Event| {
            // Ends where the policy does not end it.
            if calls.fetch_add(1, Ordering::Relaxed) < 100 {
                refuse();
            }
        }
    });
    refuse();
    calls.load(Ordering::Relaxed)
}

#[test]
fn of_a_bulkhead() {
    let bulkhead = Bulkhead::builder().limit(1).build().unwrap();
    let held = bulkhead.try_acquire_owned().unwrap();
    let full = bulkhead.clone();
    let refuse = move || drop(full.try_acquire().unwrap_err());
    assert_eq!(calls_of_a_listener_that_calls(bulkhead.listeners(), refuse), 1);
    assert_eq!(bulkhead.snapshot().refused, 2, "the call from the listener was refused, too");
    drop(held);
}

#[test]
fn of_a_rate_limit() {
    let limit = RateLimit::builder().rate(1, HOUR).build().unwrap();
    limit.try_acquire().unwrap();
    let empty = limit.clone();
    let refuse = move || drop(empty.try_acquire().unwrap_err());
    assert_eq!(calls_of_a_listener_that_calls(limit.listeners(), refuse), 1);
    assert_eq!(limit.snapshot().refused, 2);
}

#[test]
fn of_a_keyed_rate_limit() {
    let limit = KeyedRateLimit::<u8>::new(RateLimit::builder().rate(1, HOUR), 16).unwrap();
    limit.try_acquire(&7).unwrap();
    let empty = limit.clone();
    let refuse = move || drop(empty.try_acquire(&7).unwrap_err());
    assert_eq!(calls_of_a_listener_that_calls(limit.listeners(), refuse), 1);
    assert_eq!(limit.snapshot().refused, 2);
}

#[test]
fn of_an_adaptive_limit() {
    let limit = AdaptiveLimit::builder().min(1).max(1).build().unwrap();
    let held = limit.try_acquire().unwrap();
    let full = limit.clone();
    let refuse = move || drop(full.try_acquire().unwrap_err());
    assert_eq!(calls_of_a_listener_that_calls(limit.listeners(), refuse), 1);
    assert_eq!(limit.snapshot().refused, 2);
    held.success();
}

#[test]
fn of_a_throttle() {
    let throttle = Throttle::builder().random(Random::lowest()).min_requests(1).build().unwrap();
    drop(throttle.try_acquire().unwrap());
    let shedding = throttle.clone();
    let refuse = move || drop(shedding.try_acquire().unwrap_err());
    assert_eq!(calls_of_a_listener_that_calls(throttle.listeners(), refuse), 1);
    assert_eq!(throttle.snapshot().requests, 3);
}
