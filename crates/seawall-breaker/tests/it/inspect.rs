//! What a breaker shows: the time in each state, refusals by reason, settings, orders.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::inspect::{Counter, Gauge, Inspect, Measures, Order, Value};
use seawall_core::{CircuitState, Class, Reason};

const SECOND: Duration = Duration::from_secs(1);

/// Keeps what it is given, and holds the laws of [`Measures`].
#[derive(Default)]
struct Seen {
    gauges: BTreeMap<Gauge, f64>,
    counters: BTreeMap<Counter, u64>,
    refusals: HashMap<Reason, u64>,
    states: BTreeMap<CircuitState, (bool, Duration)>,
}

impl Measures for Seen {
    fn gauge(&mut self, gauge: Gauge, value: f64) {
        assert!(self.gauges.insert(gauge, value).is_none(), "{gauge:?} twice");
    }

    fn counter(&mut self, counter: Counter, total: u64) {
        assert!(self.counters.insert(counter, total).is_none(), "{counter:?} twice");
    }

    fn refusals(&mut self, reason: Reason, total: u64) {
        assert!(self.refusals.insert(reason, total).is_none(), "{reason:?} twice");
    }

    fn state(&mut self, state: CircuitState, is_current: bool, time: Duration) {
        assert!(self.states.insert(state, (is_current, time)).is_none(), "{state} twice");
    }
}

fn look(breaker: &Breaker) -> Seen {
    let mut seen = Seen::default();
    breaker.measure(&mut seen);
    assert_eq!(seen.states.len(), CircuitState::ALL.len());
    let current: Vec<_> = seen.states.iter().filter(|(_, (current, _))| *current).collect();
    assert_eq!(current.len(), 1, "exactly one state is current");
    assert_eq!(*current[0].0, breaker.state());
    seen
}

fn fail(breaker: &Breaker) {
    breaker.try_acquire().unwrap().failure(Class::Transient);
}

#[tokio::test(start_paused = true)]
async fn the_time_in_each_state_adds_up_to_the_age_of_the_breaker() {
    let builder = Breaker::builder().consecutive_failures(1).open_wait(2 * SECOND).probes(1);
    let breaker = builder.build().unwrap();
    tokio::time::advance(3 * SECOND).await;
    fail(&breaker);
    tokio::time::advance(SECOND).await;
    for _ in 0..5 {
        assert_eq!(breaker.try_acquire().unwrap_err().reason(), Reason::Open);
    }
    tokio::time::advance(9 * SECOND).await;
    assert_eq!(look(&breaker).gauges[&Gauge::OpenDue].to_bits(), 1.0_f64.to_bits());
    let probe = breaker.try_acquire().unwrap();
    tokio::time::advance(SECOND).await;
    assert_eq!(breaker.try_acquire().unwrap_err().reason(), Reason::ProbesInFlight);
    probe.success();
    breaker.force_open();
    tokio::time::advance(5 * SECOND).await;
    assert_eq!(breaker.try_acquire().unwrap_err().reason(), Reason::ForcedOpen);

    let seen = look(&breaker);
    let time = |state| seen.states[&state].1;
    assert_eq!(time(CircuitState::Closed), 3 * SECOND);
    assert_eq!(time(CircuitState::Open), 10 * SECOND);
    assert_eq!(time(CircuitState::HalfOpen), SECOND);
    assert_eq!(time(CircuitState::ForcedOpen), 5 * SECOND);
    assert_eq!(seen.states.values().map(|(_, time)| *time).sum::<Duration>(), 19 * SECOND);
    let refused = |reason| seen.refusals[&reason];
    assert_eq!(
        [Reason::Open, Reason::ProbesInFlight, Reason::Ramping, Reason::ForcedOpen].map(refused),
        [5, 1, 0, 1]
    );
    assert_eq!(seen.counters[&Counter::Openings], 1);
}

#[test]
fn settings_have_the_names_of_the_setters() {
    let breaker = Breaker::builder().failure_rate(0.4).probes(3).build().unwrap();
    let settings = Inspect::settings(&breaker);
    assert_eq!(settings.get("failure_rate"), Some(&Value::Share(0.4)));
    assert_eq!(settings.get("probes"), Some(&Value::Count(3)));
    assert_eq!(settings.get("open_when"), Some(&Value::Off));
    let config = [
        include_str!("../../src/config/opening.rs"),
        include_str!("../../src/config/recovery.rs"),
        include_str!("../../src/config.rs"),
    ]
    .concat();
    for setting in &settings {
        // The second argument of a setter that takes two.
        let field = setting.field.replace("slow_call_after", "slow_call_rate");
        assert!(config.contains(&format!("pub fn {field}(")), "no setter {field}");
    }
}

#[test]
fn an_operator_orders_a_breaker_by_name() {
    let breaker = Breaker::builder().build().unwrap();
    for (order, state) in [
        (Order::ForceOpen, CircuitState::ForcedOpen),
        (Order::ForceClosed, CircuitState::ForcedClosed),
        (Order::Shadow, CircuitState::Shadow),
        (Order::Release, CircuitState::Closed),
        (Order::Reset, CircuitState::Closed),
    ] {
        breaker.order(&order).unwrap();
        assert_eq!(breaker.state(), state, "{order:?}");
    }
    let error = breaker.order(&Order::SetLimit(3)).unwrap_err();
    assert_eq!(error.to_string(), "a breaker does not know the order set_limit");
}
