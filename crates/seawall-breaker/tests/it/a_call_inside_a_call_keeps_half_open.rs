//! An operation that calls twice through its own breaker holds one probe while it needs another two.
//! With two probes the circuit never closes: the chapter lists it as a trap. With one breaker around the
//! inner calls alone, it does.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{CircuitState, Class, Error};
use tokio::time::advance;

const WAIT: Duration = Duration::from_secs(1);

async fn open() -> Breaker {
    let breaker = Breaker::builder().consecutive_failures(1).open_wait(WAIT).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    breaker
}

async fn two_calls(breaker: &Breaker) -> Result<(), Error<()>> {
    breaker.call(async { Ok(()) }).await?;
    breaker.call(async { Ok(()) }).await
}

#[tokio::test(start_paused = true)]
async fn around_both_it_stays_half_open_or_opens_again() {
    let breaker = open().await;
    for _ in 0..100 {
        assert!(breaker.call(two_calls(&breaker)).await.is_err());
        assert_ne!(breaker.state(), CircuitState::Closed);
        advance(WAIT).await;
    }
}

#[tokio::test(start_paused = true)]
async fn around_the_inner_calls_it_closes() {
    let breaker = open().await;
    two_calls(&breaker).await.unwrap();
    assert_eq!(breaker.state(), CircuitState::Closed);
}
