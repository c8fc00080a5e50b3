//! Seen in tower-resilience (by mcp-proxy, issue 220): the rate is not looked at before the count
//! window is full, whatever the minimum of calls is.

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};

#[test]
fn min_calls_are_enough() {
    for min_calls in [1, 4, 99, 100] {
        let breaker = Breaker::builder()
            .without_consecutive_failures()
            .count_window(100)
            .min_calls(min_calls)
            .build()
            .unwrap();
        for n in 1..=min_calls {
            assert_eq!(breaker.state(), CircuitState::Closed, "{n} of {min_calls}");
            breaker.try_acquire().unwrap().failure(Class::Transient);
        }
        assert_eq!(breaker.state(), CircuitState::Open, "{min_calls}");
    }
}
