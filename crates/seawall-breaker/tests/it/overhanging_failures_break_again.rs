//! Seen in Polly (issues 218 and 219, pull request 223): failures of calls that were in flight when
//! the circuit opened break it again, once more for each of them.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::Class;
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn the_wait_counts_from_the_transition_and_late_failures_do_not_extend_it() {
    let wait = Duration::from_secs(1);
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(wait).build().unwrap();
    let late = [(); 9].map(|()| breaker.try_acquire().unwrap());
    breaker.try_acquire().unwrap().failure(Class::Transient);
    for permit in late {
        advance(wait / 10).await;
        permit.failure(Class::Transient);
    }
    assert_eq!(breaker.snapshot().retry_after, Some(wait / 10));
    advance(wait / 10).await;
    assert!(breaker.try_acquire().unwrap().is_probe());
    assert_eq!(breaker.snapshot().totals.openings, 1);
}
