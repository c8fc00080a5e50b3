//! Seen in resilience4j (issues 991 and 1039): the timer that an open circuit armed goes off after
//! the operator forced or reset it, and makes it half-open behind the operator's back.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

const WAIT: Duration = Duration::from_secs(1);

fn open() -> Breaker {
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(WAIT).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    breaker
}

#[tokio::test(start_paused = true)]
async fn what_the_operator_ordered_outlives_the_wait() {
    let orders: [fn(&Breaker); 4] =
        [Breaker::force_open, Breaker::force_closed, Breaker::shadow, Breaker::reset];
    let states = [
        CircuitState::ForcedOpen,
        CircuitState::ForcedClosed,
        CircuitState::Shadow,
        CircuitState::Closed,
    ];
    for (order, state) in orders.into_iter().zip(states) {
        let breaker = open();
        order(&breaker);
        for _ in 0..10 {
            advance(WAIT / 2).await;
            let _ = breaker.try_acquire();
            assert_eq!(breaker.state(), state);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_after_a_reset_is_not_shortened_by_the_one_before() {
    let breaker = open();
    advance(WAIT / 2).await;
    breaker.reset();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT / 2).await;
    assert_eq!(breaker.try_acquire().unwrap_err().retry_after(), Some(WAIT / 2));
    advance(WAIT / 2).await;
    assert!(breaker.try_acquire().unwrap().is_probe());
}
