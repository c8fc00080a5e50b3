//! A breaker that takes abandoned calls for failures took the losers of a hedge for failures, too:
//! the more the hedge helped, the sooner the circuit opened.

use std::time::Duration;

use seawall::breaker::Abandoned;
use seawall::{Breaker, CircuitState, Hedge, Pipeline};
use tokio::time::{sleep, timeout};

const MILLI: Duration = Duration::from_millis(1);

fn breaker() -> Breaker {
    let breaker = Breaker::builder().consecutive_failures(3).tally();
    breaker.abandoned_as(Abandoned::Failure).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn losers_are_neutral() {
    let breaker = breaker();
    let pipeline = Pipeline::builder("stock")
        .hedge(Hedge::builder().delay(10 * MILLI).without_budget())
        .breaker(breaker.clone())
        .build()
        .unwrap();
    for winner in [1, 2] {
        for _ in 0..20 {
            let answer = pipeline.call_with(async |attempt| {
                sleep(if attempt.number() == winner { 20 * MILLI } else { 1_000 * MILLI }).await;
                Ok::<_, std::io::Error>(attempt.number())
            });
            assert_eq!(answer.await.unwrap(), winner);
        }
    }
    let snapshot = breaker.snapshot();
    assert_eq!(snapshot.state, CircuitState::Closed);
    assert_eq!((snapshot.totals.successes, snapshot.totals.failures), (Some(40), 0));
    assert_eq!(snapshot.totals.abandoned, 40);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_its_caller_gives_up_still_counts() {
    let breaker = breaker();
    let hedge = Hedge::builder().delay(10 * MILLI).without_budget();
    let pipeline = Pipeline::builder("stock").hedge(hedge).breaker(breaker.clone());
    let pipeline = pipeline.build().unwrap();
    for _ in 0..2 {
        let call = pipeline.call(std::future::pending::<Result<(), std::io::Error>>);
        timeout(100 * MILLI, call).await.unwrap_err();
    }
    assert_eq!(breaker.state(), CircuitState::Open);
}
