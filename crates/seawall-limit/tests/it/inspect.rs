//! The limits show what they measure, and a bulkhead takes another limit by order.

use std::collections::BTreeMap;
use std::time::Duration;

use seawall_core::inspect::{Counter, Gauge, Inspect, Measures, Order};
use seawall_core::{CircuitState, Reason};
use seawall_limit::{AdaptiveLimit, Bulkhead, RateLimit, Throttle};

#[derive(Default)]
struct Read(BTreeMap<&'static str, f64>);

impl Measures for Read {
    fn gauge(&mut self, gauge: Gauge, value: f64) {
        self.0.insert(gauge.label(), value);
    }

    fn counter(&mut self, counter: Counter, total: u64) {
        self.0.insert(counter.label(), u32::try_from(total).unwrap().into());
    }

    fn refusals(&mut self, reason: Reason, total: u64) {
        let total = f64::from(u32::try_from(total).unwrap());
        *self.0.entry("refusals").or_default() += total;
        self.0.insert(reason.as_str(), total);
    }

    fn state(&mut self, _: CircuitState, _: bool, _: Duration) {}
}

#[track_caller]
fn assert_measures(policy: &dyn Inspect, expected: &[(&str, f64)]) {
    let mut read = Read::default();
    policy.measure(&mut read);
    for (label, value) in expected {
        let measured = read.0.get(label).copied();
        assert!(measured.is_some_and(|it| (it - value).abs() < 1e-9), "{label}: {measured:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_bulkhead() {
    let bulkhead = Bulkhead::builder().limit(1).build().unwrap();
    let held = bulkhead.try_acquire().unwrap();
    assert!(bulkhead.try_acquire().is_err());
    assert_measures(
        &bulkhead,
        &[("limit", 1.0), ("in_flight", 1.0), ("refused", 1.0), ("full", 1.0)],
    );
    bulkhead.order(&Order::SetLimit(2)).unwrap();
    assert_measures(&bulkhead, &[("limit", 2.0)]);
    assert!(bulkhead.order(&Order::SetLimit(0)).is_err());
    assert!(bulkhead.order(&Order::Reset).is_err());
    drop(held);
}

#[tokio::test(start_paused = true)]
async fn of_a_rate_limit() {
    let limit = RateLimit::builder().per_second(2).build().unwrap();
    assert_measures(&limit, &[("tokens", 2.0), ("refusals", 0.0)]);
    assert!((0..3).any(|_| limit.try_acquire().is_err()));
    assert_measures(&limit, &[("tokens", 0.0), ("queued", 0.0), ("rate_limited", 1.0)]);
}

#[tokio::test(start_paused = true)]
async fn of_an_adaptive_limit() {
    let limit = AdaptiveLimit::builder().min(2).max(2).build().unwrap();
    let (held, given_up) = (limit.try_acquire().unwrap(), limit.try_acquire().unwrap());
    tokio::time::advance(Duration::from_secs(1)).await;
    drop(given_up);
    assert_measures(&limit, &[("limit", 2.0), ("in_flight", 2.0), ("lingering", 1.0)]);
    held.success();
}

#[tokio::test(start_paused = true)]
async fn of_a_throttle() {
    let throttle = Throttle::builder().min_requests(1).build().unwrap();
    drop(throttle.try_acquire().unwrap());
    assert_measures(&throttle, &[("window_calls", 1.0), ("shed_probability", 0.5)]);
}
