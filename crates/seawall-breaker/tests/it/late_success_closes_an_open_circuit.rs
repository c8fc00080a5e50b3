//! Seen in Polly (issues 216 and 217) and in Kevlar (issue 227): a call that began before the circuit
//! opened ends well while it is half-open, and closes it, though the dependency is down.

use std::time::Duration;

use seawall_breaker::{Breaker, Settlement};
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn what_began_before_the_opening_neither_closes_nor_reopens() {
    let breaker = Breaker::builder().consecutive_failures(1).probes(1).build().unwrap();
    let early = [(); 4].map(|()| breaker.try_acquire().unwrap());
    breaker.try_acquire().unwrap().failure(Class::Transient);
    let [open, half_open, sick, after] = early;
    assert_eq!(open.success(), Settlement::Stale);
    assert_eq!(breaker.state(), CircuitState::Open);
    advance(Duration::from_secs(1)).await;
    let probe = breaker.try_acquire().unwrap();
    assert_eq!(half_open.success(), Settlement::Stale);
    assert_eq!(sick.failure(Class::Transient), Settlement::Stale);
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    probe.success();
    assert_eq!(after.failure(Class::Transient), Settlement::Stale);
    assert_eq!(breaker.state(), CircuitState::Closed);
}
