//! How many permits are left can be asked for.

use std::time::Duration;

use crate::support::by_hand;
use seawall_limit::{Algorithm, KeyedRateLimit, RateLimit};
use tokio::time::advance;

const SECOND: Duration = Duration::from_secs(1);

const ALGORITHMS: [Algorithm; 4] =
    [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::SlidingCounter];

#[tokio::test(start_paused = true)]
async fn as_many_as_are_available_can_be_taken() {
    for algorithm in ALGORITHMS {
        let limit = RateLimit::builder().algorithm(algorithm).rate(7, SECOND).build().unwrap();
        assert_eq!(limit.snapshot().available, 7);
        for step in 0..200_u64 {
            advance(Duration::from_millis(step * 37 % 331)).await;
            let available = limit.snapshot().available;
            assert!(limit.try_acquire_many(available + 1).is_err(), "{algorithm:?}: no more");
            limit.try_acquire_many(available * (step % 3) / 2).unwrap();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn none_are_available_while_calls_wait() {
    let limit = RateLimit::builder().rate(10, SECOND).queue(5, SECOND).build().unwrap();
    limit.try_acquire_many(9).unwrap();
    assert_eq!(limit.snapshot().available, 1);
    let two = limit.reserve(2).unwrap();
    assert_eq!(limit.snapshot().available, 0);
    let mut waits = by_hand(limit.acquire());
    assert!(waits.is_pending());
    drop((two, waits));
    assert_eq!(limit.snapshot().available, 1);
}

#[tokio::test(start_paused = true)]
async fn a_key_has_its_burst_until_it_was_taken() {
    let rate = RateLimit::builder().rate(3, SECOND).burst(2);
    let limit = KeyedRateLimit::<u64>::new(rate, 16).unwrap();
    assert_eq!(limit.available(&1), 2);
    limit.try_acquire(&1).unwrap();
    assert_eq!(limit.available(&1), 1);
    advance(Duration::from_nanos(333_333_333)).await;
    assert_eq!(limit.available(&1), 1, "a third of a nanosecond is missing");
    advance(Duration::from_nanos(1)).await;
    assert_eq!(limit.available(&1), 2);
}

#[tokio::test(start_paused = true)]
async fn keys_that_find_no_room_share_what_is_left() {
    let rate = RateLimit::builder().rate(1, SECOND * 100);
    let limit = KeyedRateLimit::<u64>::new(rate, 16).unwrap();
    for key in 0..1_000 {
        let _ = limit.try_acquire(&key);
    }
    let snapshot = limit.snapshot();
    assert!(snapshot.overflowed > 0);
    assert!((1_000..2_000).all(|key| limit.available(&key) == 0));
}

#[tokio::test(start_paused = true)]
async fn what_the_server_says_is_left_is_an_upper_bound() {
    for algorithm in ALGORITHMS {
        let limit = RateLimit::builder().rate(10, SECOND).algorithm(algorithm).build().unwrap();
        limit.leave_at_most(3);
        assert_eq!(limit.snapshot().available, 3, "{algorithm:?}");
        for left in [8, 3, u64::MAX] {
            limit.leave_at_most(left);
            assert_eq!(limit.snapshot().available, 3, "{algorithm:?}: nothing is added");
        }
        limit.try_acquire_many(3).unwrap();
        limit.leave_at_most(0);
        limit.try_acquire().unwrap_err();
        assert_eq!(limit.snapshot().refused, 1, "{algorithm:?}: only the call");
        advance(2 * SECOND).await;
        assert_eq!(limit.snapshot().available, 10, "{algorithm:?}: it recovers");
        limit.leave_at_most(0);
        limit.try_acquire().unwrap_err();
    }
}

#[tokio::test(start_paused = true)]
async fn what_the_server_says_is_left_for_a_key_is_an_upper_bound() {
    let rate = RateLimit::builder().rate(10, SECOND);
    let limit = KeyedRateLimit::<String>::new(rate, 16).unwrap();
    limit.leave_at_most("new", u64::MAX);
    assert_eq!(limit.snapshot().keys, 0, "a key that may do all is not kept for that");
    limit.leave_at_most("new", 3);
    let known = limit.get("new");
    for left in [8, 3, u64::MAX] {
        known.leave_at_most(left);
        assert_eq!((known.available(), limit.available("other")), (3, 10), "nothing is added");
    }
    known.leave_at_most(1);
    limit.try_acquire("new").unwrap();
    limit.leave_at_most("new", 0);
    limit.try_acquire("new").unwrap_err();
    assert_eq!(limit.snapshot().refused, 1, "only the call");
    advance(2 * SECOND).await;
    assert_eq!(limit.available("new"), 10, "it recovers");
}

#[tokio::test(start_paused = true)]
async fn a_key_that_finds_no_room_takes_nothing_from_the_others() {
    let rate = RateLimit::builder().rate(10, SECOND * 100);
    let limit = KeyedRateLimit::<u64>::new(rate, 16).unwrap();
    (0..100).for_each(|key| limit.leave_at_most(&key, 0));
    let snapshot = limit.snapshot();
    assert!(snapshot.keys <= 16 && snapshot.overflowed == 0, "{snapshot:?}");
    assert!((0..100).any(|key| limit.available(&key) == 10), "those that share a rate have it all");
}
