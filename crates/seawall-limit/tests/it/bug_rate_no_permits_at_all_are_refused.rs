//! A call for no permits at all takes nothing and gets past nobody, so it is always admitted. It was
//! refused while others waited, and after the burst was lowered below what had been taken.

use std::time::Duration;

use seawall_core::Reason;
use seawall_limit::{Algorithm, RateLimit};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn none_at_all_are_there_while_others_wait() {
    for algorithm in
        [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::SlidingCounter]
    {
        let limit = RateLimit::builder().algorithm(algorithm).per_second(1).queue(1, SECOND * 2);
        let limit = limit.build().unwrap();
        limit.try_acquire().unwrap();
        let waiting = limit.reserve(1).unwrap();
        limit.try_acquire_many(0).unwrap();
        assert!(limit.try_acquire().is_err());
        drop(waiting);
    }
}

#[tokio::test(start_paused = true)]
async fn none_at_all_are_there_when_more_is_taken_than_may_be() {
    let limit = RateLimit::builder().per_second(1).burst(10).build().unwrap();
    limit.try_acquire_many(10).unwrap();
    limit.set_rate_and_burst(1, SECOND, 1).unwrap();
    limit.try_acquire_many(0).unwrap();
    assert!(limit.try_acquire().is_err());
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_is_closed_admits_nobody() {
    let limit = RateLimit::builder().build().unwrap();
    limit.close();
    assert_eq!(limit.try_acquire_many(0).unwrap_err().reason(), Reason::ShuttingDown);
}
