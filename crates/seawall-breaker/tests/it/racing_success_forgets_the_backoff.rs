//! Seen in ldbc (issue 731): of two probes in flight one fails and doubles the wait; the other one
//! succeeds a moment later, closes the circuit and forgets the wait.

use std::time::Duration;

use seawall_breaker::{Breaker, Settlement};
use seawall_core::{Backoff, CircuitState, Class, Jitter};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn the_first_verdict_stands_and_so_does_its_wait() {
    let second = Duration::from_secs(1);
    let wait = Backoff::exponential(second).max(60 * second).jitter(Jitter::None);
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(wait).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    for round in 1..=4 {
        advance(2_u32.pow(round - 1) * second).await;
        let (one, two) = (breaker.try_acquire().unwrap(), breaker.try_acquire().unwrap());
        assert_eq!(one.failure(Class::Transient), Settlement::Counted);
        assert_eq!(two.success(), Settlement::Stale);
        assert_eq!(breaker.state(), CircuitState::Open);
        assert_eq!(breaker.snapshot().retry_after, Some(2_u32.pow(round) * second));
    }
}
