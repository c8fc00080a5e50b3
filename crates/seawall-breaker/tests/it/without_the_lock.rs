//! What is done without the lock is seen by whoever looks.

use std::time::Duration;

use seawall_breaker::Breaker;
use seawall_core::{Class, Reason};
use tokio::time::advance;

#[tokio::test(start_paused = true)]
async fn refusals_that_nobody_listens_to_are_counted() {
    let breaker = Breaker::builder().consecutive_failures(1).build().unwrap();
    breaker.try_acquire().unwrap().failure(Class::Transient);
    assert_eq!(breaker.try_acquire().unwrap_err().reason(), Reason::Open);
    let refused = breaker.call(async { Ok::<_, ()>(()) }).await.unwrap_err();
    assert_eq!(refused.rejection().unwrap().reason(), Reason::Open);
    assert_eq!(breaker.snapshot().totals.refused, 2);
}

#[tokio::test(start_paused = true)]
async fn a_success_counts_in_the_slice_in_which_it_came() {
    let window = Duration::from_secs(1);
    let breaker = Breaker::builder().time_window(window).build().unwrap();
    breaker.try_acquire().unwrap().success();
    advance(Duration::from_millis(950)).await;
    breaker.try_acquire().unwrap().success();
    advance(Duration::from_millis(500)).await;
    assert_eq!(breaker.snapshot().window.samples, 1);
}
