//! Seen in `OmniRoute` (issue 13836: one probe never settled, six days of refusals) and in resilience4j
//! (issues 903 and 935): a probe that is neither answered nor cancelled never gives its place back.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn probes_that_never_settle_do_not_wedge_the_circuit() {
    let breaker = Breaker::builder().consecutive_failures(1).probes(3).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(Duration::from_secs(1)).await;
    for _ in 0..3 {
        std::mem::forget(breaker.try_acquire().unwrap());
    }
    assert!(breaker.try_acquire().is_err());
    advance(Duration::from_secs(1)).await;
    for _ in 0..3 {
        breaker.try_acquire().unwrap().success();
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}
