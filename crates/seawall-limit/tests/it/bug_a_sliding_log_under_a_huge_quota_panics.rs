//! A sliding log remembers each permit. Under a quota of more than memory holds, taking a burst
//! panicked ("capacity overflow") or took hundreds of megabytes.

use std::time::Duration;

use seawall_limit::{Algorithm, RateLimit};

const HOUR: Duration = Duration::from_hours(1);
const MOST: u64 = 1_000_000;

#[test]
fn a_quota_that_a_log_cannot_hold_is_refused() {
    let log = RateLimit::builder().algorithm(Algorithm::SlidingLog);
    for permits in [MOST + 1, i64::MAX.unsigned_abs()] {
        let error = log.clone().rate(permits, HOUR).build().unwrap_err();
        assert_eq!(error.field, "permits");
        assert!(error.to_string().contains("at most 1,000,000"), "{error}");
    }
    let limit = log.rate(MOST, HOUR).build().unwrap();
    assert_eq!(limit.set_rate(MOST + 1, HOUR).unwrap_err().field, "permits");
    limit.try_acquire_many(MOST).unwrap();
    assert!(limit.try_acquire().is_err());
}

#[test]
fn the_other_algorithms_count_any_quota() {
    let permits = i64::MAX.unsigned_abs();
    for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingCounter] {
        let limit = RateLimit::builder().algorithm(algorithm).rate(permits, HOUR).build().unwrap();
        limit.try_acquire_many(permits).unwrap();
        assert!(limit.try_acquire().is_err());
    }
}
