//! Seen in opossum (issue 385): of several calls in flight the one after the threshold fails, too,
//! and cancels the timer that would have ended the open state. It never ends.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn any_number_of_failures_at_once_leaves_one_wait_and_it_ends() {
    let wait = Duration::from_secs(1);
    for beyond in [0, 1, 2, 50] {
        let builder = Breaker::builder().consecutive_failures(5).open_wait(wait).probes(1);
        let breaker = builder.build().unwrap();
        let calls: Vec<_> = (0..5 + beyond).map(|_| breaker.try_acquire().unwrap()).collect();
        for call in calls {
            call.failure(Class::Transient);
        }
        let snapshot = breaker.snapshot();
        assert_eq!((snapshot.totals.openings, snapshot.totals.stale), (1, beyond));
        advance(wait).await;
        breaker.try_acquire().unwrap().success();
        assert_eq!(breaker.state(), CircuitState::Closed);
    }
}
