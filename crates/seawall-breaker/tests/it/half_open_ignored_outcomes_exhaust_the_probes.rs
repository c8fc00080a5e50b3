//! Seen in nora (issue 585: "503 until restart"): a probe whose outcome is recorded neither as a
//! success nor as a failure, a 404 there, never gives its place back.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn any_number_of_ignored_probes_leaves_all_places_free() {
    let breaker = Breaker::builder().consecutive_failures(1).probes(2).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(Duration::from_secs(1)).await;
    for class in [Class::Ignored, Class::Cancelled].repeat(50) {
        breaker.try_acquire().unwrap().settle(class);
    }
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    breaker.try_acquire().unwrap().success();
    breaker.try_acquire().unwrap().success();
    assert_eq!(breaker.state(), CircuitState::Closed);
}
