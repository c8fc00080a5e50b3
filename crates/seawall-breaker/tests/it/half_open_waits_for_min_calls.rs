//! Seen in kora (issue 246): with fewer probes than the closed state's minimum of calls, the circuit
//! never closes.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn one_probe_decides_whatever_min_calls_is() {
    for (class, state) in
        [(Class::Success, CircuitState::Closed), (Class::Transient, CircuitState::Open)]
    {
        let breaker = Breaker::builder()
            .consecutive_failures(1)
            .count_window(1_000)
            .min_calls(1_000)
            .probes(1)
            .build()
            .unwrap();
        breaker.try_acquire().unwrap().failure(Class::Transient);
        advance(Duration::from_secs(1)).await;
        breaker.try_acquire().unwrap().settle(class);
        assert_eq!(breaker.state(), state);
    }
}
