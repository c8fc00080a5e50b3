//! Seen in rubyist/circuitbreaker (pull request 36): after a pause only one slice of the window is
//! emptied, however long it was, and outcomes of long ago open the circuit.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::Class;
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn a_pause_empties_as_many_slices_as_it_was_long() {
    let second = Duration::from_secs(1);
    for (pause, left) in [(1, 9), (2, 8), (9, 1), (10, 0), (11, 0), (20, 0), (86_400 * 365, 0)] {
        let breaker = Breaker::builder().without_consecutive_failures().time_window(10 * second);
        let breaker = breaker.min_calls(100).build().unwrap();
        for _ in 0..9 {
            breaker.try_acquire().unwrap().failure(Class::Transient);
            advance(second).await;
        }
        breaker.try_acquire().unwrap().failure(Class::Transient);
        assert_eq!(breaker.snapshot().window.failures, 10);
        advance(pause * second).await;
        assert_eq!(breaker.snapshot().window.failures, left, "after {pause} s");
    }
}
