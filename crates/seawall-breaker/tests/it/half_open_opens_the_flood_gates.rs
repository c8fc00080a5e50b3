//! Seen in opossum (issue 119), pyfailsafe (pull request 31) and actor-ts (issue 457): in the half-open
//! state every caller is let through, not just the probe.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::Class;
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn a_hundred_callers_at_the_end_of_the_wait_are_one_probe_and_ninety_nine_refusals() {
    let breaker = Breaker::builder().consecutive_failures(1).probes(1).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(Duration::from_secs(1)).await;
    let calls: Vec<_> = (0..100).map(|_| breaker.try_acquire()).collect();
    assert_eq!(calls.iter().filter(|call| call.is_ok()).count(), 1);
}
