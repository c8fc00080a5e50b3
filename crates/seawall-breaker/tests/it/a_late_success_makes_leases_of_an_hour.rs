//! A lease that grew with each late success had no upper bound: after probes of half an hour, the next
//! ones that hung kept all callers out for an hour.

use std::time::Duration;

use seawall_breaker::{Breaker, Permit, Settlement};
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

const HALF_AN_HOUR: Duration = Duration::from_mins(30);
const LONGEST_LEASE: Duration = seawall_breaker::defaults::MAX_LEASE;

type Answer = fn(Permit<'_>) -> Settlement;

fn half_open(probes: u32) -> Breaker {
    let breaker = Breaker::builder().consecutive_failures(1).probes(probes).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    breaker
}

#[tokio::test(start_paused = true)]
async fn probes_that_hang_after_a_late_success_keep_callers_out_for_one_lease() {
    let breaker = half_open(2);
    advance(Duration::from_secs(1)).await;
    let late = breaker.try_acquire().unwrap();
    advance(HALF_AN_HOUR).await;
    assert_eq!(late.success(), Settlement::Counted);
    let hanging = [(); 2].map(|()| breaker.try_acquire());
    assert!(hanging[0].is_ok());
    assert!(breaker.try_acquire().is_err());
    advance(LONGEST_LEASE).await;
    assert!(breaker.try_acquire().is_ok());
}

#[tokio::test(start_paused = true)]
async fn late_successes_are_a_verdict_and_late_failures_are_not() {
    let answers: [(Answer, Settlement, CircuitState); 2] = [
        (|permit| permit.success(), Settlement::Counted, CircuitState::Closed),
        (|permit| permit.failure(Class::Transient), Settlement::Stale, CircuitState::HalfOpen),
    ];
    for (answer, settlement, state) in answers {
        let breaker = half_open(2);
        advance(Duration::from_secs(1)).await;
        let late = [(); 2].map(|()| breaker.try_acquire().unwrap());
        advance(HALF_AN_HOUR).await;
        // Their slots are free, so others are in flight when they answer.
        let hanging = [(); 2].map(|()| breaker.try_acquire().unwrap());
        assert_eq!(late.map(answer), [settlement; 2]);
        assert_eq!(breaker.state(), state);
        drop(hanging);
    }
}
