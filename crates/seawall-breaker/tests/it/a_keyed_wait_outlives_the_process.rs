//! Callers that wait for a verdict stop waiting when the process shuts down, whichever way the breaker
//! was made and configured.

use std::time::Duration;

use seawall_breaker::{Breaker, BreakerBuilder, KeyedBreaker};
use seawall_core::{Class, Reason};
use tokio::time::{Instant, advance, sleep};
use tokio_util::sync::CancellationToken;

const WAIT: Duration = Duration::from_secs(1);

fn builder(token: &CancellationToken) -> BreakerBuilder {
    Breaker::builder()
        .consecutive_failures(1)
        .open_wait(WAIT)
        .probes(1)
        .wait_for_verdict(2, 30 * WAIT)
        .lease(30 * WAIT)
        .shutdown(token.clone())
}

/// Waits for a verdict that does not come, until `token` is cancelled.
async fn waits_no_longer_than(token: CancellationToken, breaker: Breaker) {
    breaker.try_acquire().unwrap().failure(Class::Transient);
    advance(WAIT).await;
    let _probe = breaker.try_acquire().unwrap();
    let began = Instant::now();
    let (answer, ()) = tokio::join!(breaker.call(async { Ok::<_, ()>(()) }), async {
        sleep(WAIT).await;
        token.cancel();
    });
    assert_eq!(answer.unwrap_err().rejection().unwrap().reason(), Reason::ShuttingDown);
    assert_eq!(began.elapsed(), WAIT);
}

#[tokio::test(start_paused = true)]
async fn a_breaker_of_a_set_obeys_the_token_of_the_set() {
    let token = CancellationToken::new();
    let set: KeyedBreaker<&str> = KeyedBreaker::new(builder(&token), 10).unwrap();
    waits_no_longer_than(token, set.get(&"db-1")).await;
}

#[tokio::test(start_paused = true)]
async fn a_breaker_obeys_the_token_that_it_was_given_later() {
    let token = CancellationToken::new();
    let breaker = Breaker::builder().build().unwrap();
    breaker.reconfigure(builder(&token)).unwrap();
    waits_no_longer_than(token, breaker).await;
}
