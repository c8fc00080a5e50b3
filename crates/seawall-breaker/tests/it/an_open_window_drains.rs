//! The window that opened the circuit is what an operator looks at first. Time must not empty it
//! while the circuit refuses.

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder};
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

fn builder() -> BreakerBuilder {
    Breaker::builder()
        .without_consecutive_failures()
        .time_window(Duration::from_secs(1))
        .min_calls(4)
        .open_wait(Duration::from_mins(1))
        .probes(1)
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_of_an_open_circuit_shows_the_window_that_opened_it() {
    let breaker = builder().build().unwrap();
    for _ in 0..4 {
        breaker.try_acquire().unwrap().failure(Class::Transient);
    }
    assert_eq!(breaker.state(), CircuitState::Open);
    let window = breaker.snapshot().window;
    assert_eq!((window.samples, window.failures), (4, 4));
    advance(Duration::from_secs(59)).await;
    assert_eq!(breaker.snapshot().window, window);
    // Nor does another configuration, with another window. That one is used from the next closing
    // on.
    breaker.reconfigure(builder().count_window(7)).unwrap();
    assert_eq!(breaker.snapshot().window, window);
    advance(Duration::from_secs(1)).await;
    let probe = breaker.try_acquire().unwrap();
    assert_eq!(breaker.snapshot().window, window);
    probe.success();
    assert_eq!(breaker.snapshot().window.samples, 0);
    for _ in 0..9 {
        breaker.try_acquire().unwrap().success();
    }
    assert_eq!(breaker.snapshot().window.samples, 7);
}
