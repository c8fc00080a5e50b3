//! A client with one call a minute got 15 of the 30 retries that it needed in an outage: what it
//! paid in was a fifth of a retry a minute.

use std::time::Duration;

use seawall_retry::{Backoff, Budget, Retry};
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn each_call_of_an_outage_gets_its_attempts() {
    let retry = Retry::builder().idempotent().backoff(Backoff::none()).build().unwrap();
    for call in 1..=60 {
        let error = retry.call(async || Err::<(), _>("down")).await.unwrap_err();
        assert_eq!(error.gave_up().unwrap().attempts, 3, "call {call}");
        sleep(Duration::from_mins(1)).await;
    }
    let budget = retry.budget().unwrap().snapshot();
    assert_eq!((budget.granted, budget.refused), (120, 0));
}

#[tokio::test(start_paused = true)]
async fn a_client_with_much_traffic_gets_a_tenth_of_a_retry_a_second_more() {
    let budget = Budget::builder().deposit(0.0).build().unwrap();
    let mut granted = 0;
    for _ in 0..10_000 {
        if let Some(mut permit) = budget.try_acquire() {
            permit.start();
            granted += 1;
        }
        sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(granted, 10 + 9, "in a hundred seconds");
}
