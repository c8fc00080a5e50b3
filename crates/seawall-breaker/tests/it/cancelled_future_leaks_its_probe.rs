//! Seen in monix (issue 1080), in cc-switch (issue 7206) and in review at litellm (pull request 39701):
//! a probe that is cancelled, by a timeout around the breaker or a `select!`, records nothing and
//! takes its place with it.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class};
use tokio::time::{advance, timeout};

#[tokio::test(start_paused = true)]
async fn a_timeout_around_the_breaker_gives_the_probe_back() {
    let breaker =
        Breaker::builder().consecutive_failures(1).probes(1).lease(Duration::MAX).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(Duration::from_secs(1)).await;
    for _ in 0..5 {
        let hangs = breaker.call(std::future::pending::<Result<(), ()>>());
        assert!(timeout(Duration::from_millis(10), hangs).await.is_err());
    }
    breaker.call(async { Ok::<_, ()>(()) }).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}
