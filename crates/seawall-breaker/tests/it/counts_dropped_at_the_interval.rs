//! Seen in sony/gobreaker (issue 21): all counts are dropped at the end of each interval, so a few
//! failures right after it are all there is, and open a circuit that fails 9 % of its calls.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn nine_percent_of_the_window_are_nine_percent_wherever_in_it_they_are() {
    let tick = Duration::from_millis(1);
    for offset in [0, 1, 499, 500, 999] {
        let breaker = Breaker::builder()
            .without_consecutive_failures()
            .time_window(10_000 * tick)
            .min_calls(100)
            .failure_rate(0.5)
            .build()
            .unwrap();
        advance(offset * tick).await;
        for n in 0..20_000 {
            let permit = breaker.try_acquire().unwrap();
            // The last 900 of each 10,000 fail.
            if n % 10_000 < 9_100 {
                permit.success()
            } else {
                permit.failure(Class::Transient)
            };
            advance(tick).await;
        }
        assert_eq!(breaker.state(), CircuitState::Closed);
        let window = breaker.snapshot().window;
        assert!((9_000..=10_000).contains(&window.samples), "{window:?}");
        assert_eq!(window.failures, 900);
    }
}
