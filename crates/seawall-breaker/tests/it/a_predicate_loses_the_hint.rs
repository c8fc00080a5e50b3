//! A failure that says when to come back makes the wait longer whichever rule it breaks.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{Class, Rule};

#[tokio::test(start_paused = true)]
async fn the_wait_is_the_hint_of_the_failure_that_made_the_predicate_hold() {
    let breaker = Breaker::builder()
        .without_failure_rate()
        .min_calls(1)
        .open_when(|window| window.failures == 2)
        .open_wait(Duration::from_secs(1))
        .build()
        .unwrap();
    for hint in [4, 3] {
        let retry_after = Some(Duration::from_secs(hint));
        breaker.try_acquire().unwrap().failure(Class::Overloaded { retry_after });
    }
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.evidence.unwrap().rule, Rule::Predicate);
    assert_eq!(snapshot.retry_after, Some(Duration::from_secs(3)));
}
