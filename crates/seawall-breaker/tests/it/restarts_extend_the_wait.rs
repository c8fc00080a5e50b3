//! Seen in pybreaker (pull request 36): each process that starts and reads the open circuit's state
//! starts its wait again; started often enough, they keep it open without end.

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder};
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

const WAIT: Duration = Duration::from_secs(10);

fn builder() -> BreakerBuilder {
    Breaker::builder().consecutive_failures(1).open_wait(WAIT)
}

#[tokio::test(start_paused = true)]
async fn ten_restarts_within_the_wait_leave_it_as_long_as_it_was() {
    let mut breaker = builder().build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    for restarts in 1..=10 {
        // Half of the time up, half of it down.
        advance(WAIT / 20).await;
        let export = breaker.export();
        breaker = builder().restore_after(export, WAIT / 20).build().unwrap();
        let left = WAIT * (10 - restarts) / 10;
        if restarts < 10 {
            assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), Some(left));
        }
    }
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
    assert!(breaker.try_acquire().unwrap().is_probe());
}
