//! Full jitter may draw a wait of nothing. Where the lease is the wait, no probe could answer in
//! time, and the circuit would be half-open without end.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{Backoff, CircuitState, Class, Jitter, Random};
use tokio::time::{advance, sleep};

#[tokio::test(start_paused = true)]
async fn a_probe_after_a_wait_of_zero_gets_its_verdict() {
    let wait = Backoff::exponential(Duration::from_secs(1)).jitter(Jitter::Full);
    let builder = || Breaker::builder().open_wait(wait.clone()).random(Random::lowest());
    for took in [0, 1, 20, 3_000] {
        let breaker = builder().consecutive_failures(1).probes(1).build().unwrap();
        breaker.try_acquire().unwrap().failure(Class::Transient);
        assert_eq!(breaker.snapshot().retry_after, Some(Duration::ZERO));
        for _ in 0..3 {
            let answer = async {
                sleep(Duration::from_millis(took)).await;
                Ok::<_, ()>(())
            };
            breaker.call(answer).await.unwrap();
        }
        assert_eq!(breaker.state(), CircuitState::Closed, "after probes of {took} ms");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_zero_lets_no_crowd_through() {
    let breaker = Breaker::builder()
        .open_wait(Backoff::exponential(Duration::from_secs(1)).jitter(Jitter::Full))
        .random(Random::lowest())
        .consecutive_failures(1)
        .probes(2)
        .build()
        .unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    let calls: Vec<_> = (0..100).map(|_| breaker.try_acquire()).collect();
    assert_eq!(calls.iter().filter(|call| call.is_ok()).count(), 2);
    drop(calls);
    advance(Duration::from_secs(1)).await;
    assert_eq!(breaker.state(), CircuitState::HalfOpen);
}
