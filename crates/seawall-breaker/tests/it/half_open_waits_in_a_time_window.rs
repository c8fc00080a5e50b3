//! Seen in resilience4j (pull request 597) and opossum (issue 276): the probes are counted in the
//! closed state's time window, and slide out of it before there are enough of them.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn probes_an_hour_apart_come_to_a_verdict() {
    for (class, state) in
        [(Class::Success, CircuitState::Closed), (Class::Transient, CircuitState::Open)]
    {
        let breaker = Breaker::builder()
            .consecutive_failures(1)
            .time_window(Duration::from_secs(1))
            .min_calls(10)
            .probes(3)
            .build()
            .unwrap();
        breaker.try_acquire().unwrap().failure(Class::Transient);
        for class in [Class::Success, Class::Success, class] {
            advance(Duration::from_hours(1)).await;
            assert_ne!(breaker.state(), CircuitState::Closed);
            breaker.try_acquire().unwrap().settle(class);
        }
        assert_eq!(breaker.state(), state);
    }
}
