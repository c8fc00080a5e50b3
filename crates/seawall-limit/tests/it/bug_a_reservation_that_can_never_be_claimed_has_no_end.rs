//! A reservation after `close()`, or after the burst was lowered below it, was ready at once and
//! could never be claimed; and it kept those behind it waiting until it was dropped.

use std::time::Duration;

use seawall_core::Reason;
use seawall_limit::RateLimit;
use seawall_limit::rate::{NotClaimed, Reservation};

use crate::support::by_hand;

const SECOND: Duration = Duration::from_secs(1);

fn limit() -> RateLimit {
    RateLimit::builder().rate(10, SECOND).queue(10, SECOND * 10).build().unwrap()
}

fn rejection(reservation: Reservation<'_>) -> Reason {
    match reservation.claim() {
        Err(NotClaimed::Rejected(rejection)) => rejection.reason(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn after_the_limit_was_closed() {
    let limit = limit();
    let reservation = limit.reserve(5).unwrap();
    assert_eq!(reservation.ready_in(), Some(Duration::ZERO));
    limit.close();
    assert_eq!(reservation.ready_in(), None);
    assert_eq!(rejection(reservation), Reason::ShuttingDown);
}

#[tokio::test(start_paused = true)]
async fn after_its_burst_was_lowered() {
    let limit = limit();
    let reservation = limit.reserve(5).unwrap();
    limit.set_rate_and_burst(10, SECOND, 4).unwrap();
    assert_eq!(reservation.ready_in(), None);
    assert_eq!(rejection(reservation), Reason::RateLimited);
    assert_eq!(limit.snapshot().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn it_does_not_hold_up_those_behind_it() {
    let limit = limit();
    let heavy = limit.reserve(5).unwrap();
    let mut behind = by_hand(limit.acquire());
    assert!(behind.is_pending());
    let second = limit.reserve(2).unwrap();
    limit.set_rate_and_burst(10, SECOND, 4).unwrap();
    assert_eq!(behind.woken(), 1);
    behind.ready().unwrap();
    second.claim().unwrap();
    drop(heavy);
    assert_eq!(limit.snapshot().queued, 0);
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_raised_again_does_not_bring_it_back() {
    let limit = limit();
    let reservation = limit.reserve(5).unwrap();
    limit.set_rate_and_burst(10, SECOND, 4).unwrap();
    limit.set_rate_and_burst(10, SECOND, 10).unwrap();
    assert_eq!(rejection(reservation), Reason::RateLimited);
    limit.try_acquire_many(10).unwrap();
}
