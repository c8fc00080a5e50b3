//! Seen in semian (pull request 24) and vertx-circuit-breaker (issue 24): failures are counted and
//! never forgotten, or each new one renews all: one every few days opens the circuit.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn a_failure_every_nine_tenths_of_a_window_never_opens_it() {
    let window = Duration::from_secs(10);
    let breaker = Breaker::builder()
        .without_consecutive_failures()
        .time_window(window)
        .min_calls(3)
        .failure_rate(1.0)
        .build()
        .unwrap();
    for _ in 0..1_000 {
        breaker.try_acquire().unwrap().failure(Class::Transient);
        assert!(breaker.snapshot().window.samples <= 2);
        advance(window * 9 / 10).await;
    }
    assert_eq!(breaker.state(), CircuitState::Closed);
}
