//! A ramp has neither a wait nor a lease to write down. Restored from it, a circuit whose probe
//! never settles must not be half-open without end.

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, Ramp};
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

const WAIT: Duration = Duration::from_secs(1);

fn builder() -> BreakerBuilder {
    Breaker::builder().consecutive_failures(1).open_wait(WAIT).probes(1)
}

fn closes_though_a_probe_is_lost(breaker: &Breaker) -> bool {
    std::mem::forget(breaker.try_acquire().unwrap());
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    breaker.try_acquire().is_err()
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_lost_after_a_restart_gives_its_place_back() {
    let ramping = builder().ramp(Ramp::new([0.5], WAIT)).build().unwrap();
    ramping.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    ramping.try_acquire().unwrap().success();
    assert_eq!(ramping.state(), CircuitState::Ramping);
    let half_open = builder().lease(Duration::MAX).build().unwrap();
    half_open.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    let _probe = half_open.try_acquire().unwrap();
    for exported in [ramping.export(), half_open.export()] {
        let breaker = builder().restore_after(exported, Duration::ZERO).build().unwrap();
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        assert!(closes_though_a_probe_is_lost(&breaker));
        advance(WAIT).await;
        breaker.try_acquire().unwrap().success();
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
}
