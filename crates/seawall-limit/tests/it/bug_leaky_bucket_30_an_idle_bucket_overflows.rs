//! leaky-bucket, pull request 30: after a long time without a call any number of permits could be
//! taken at once.

use std::time::Duration;

use seawall_limit::{Algorithm, KeyedRateLimit, RateLimit};

const CENTURY: Duration = Duration::from_hours(100 * 365 * 24);

#[tokio::test(start_paused = true)]
async fn after_a_century_there_is_a_burst_and_no_more() {
    for algorithm in
        [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::SlidingCounter]
    {
        let limit = RateLimit::builder().algorithm(algorithm).per_second(7).build().unwrap();
        limit.try_acquire().unwrap();
        tokio::time::advance(CENTURY).await;
        let taken = (0..100).filter(|_| limit.try_acquire().is_ok()).count();
        assert_eq!(taken, 7, "{algorithm:?}");
    }
    let keyed = KeyedRateLimit::<u8>::new(RateLimit::builder().per_second(7), 10_000).unwrap();
    keyed.try_acquire(&1).unwrap();
    tokio::time::advance(CENTURY).await;
    assert_eq!((0..100).filter(|_| keyed.try_acquire(&1).is_ok()).count(), 7);
}
