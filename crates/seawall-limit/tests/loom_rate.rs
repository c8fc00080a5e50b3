//! Every interleaving of a few threads on one rate limit.
#![cfg(seawall_loom)]

use std::time::Duration;

use loom::thread;
use seawall_limit::RateLimit;
use seawall_limit::rate::NotClaimed;

const HOUR: Duration = Duration::from_secs(3_600);

fn once_an_hour(burst: u64) -> RateLimit {
    RateLimit::builder().rate(1, HOUR).burst(burst).queue(4, HOUR * 9).build().unwrap()
}

fn on_a_thread<T: 'static>(
    limit: &RateLimit,
    act: impl FnOnce(&RateLimit) -> T + 'static,
) -> thread::JoinHandle<T> {
    let limit = limit.clone();
    thread::spawn(move || act(&limit))
}

#[test]
fn two_takers_and_one_token_grant_once() {
    loom::model(|| {
        let limit = once_an_hour(1);
        let other = on_a_thread(&limit, |limit| limit.try_acquire().is_ok());
        let taken = limit.try_acquire().is_ok();
        assert!(taken ^ other.join().unwrap());
        assert_eq!(limit.snapshot().refused, 1);
    });
}

#[test]
fn a_taker_and_a_reservation_share_two_permits() {
    loom::model(|| {
        let limit = once_an_hour(2);
        let other = on_a_thread(&limit, |limit| limit.reserve(1).unwrap().claim().is_ok());
        let taken = limit.try_acquire().is_ok();
        let claimed = other.join().unwrap();
        // A place keeps others out until it was claimed: one of them gets a token at
        // least, and both do unless the taker met the reservation.
        assert!(claimed);
        assert_eq!(limit.try_acquire().is_ok(), !taken, "as many are left as were not taken");
        assert!(limit.try_acquire().is_err());
    });
}

#[test]
fn a_reservation_that_is_dropped_owes_nothing() {
    loom::model(|| {
        let limit = once_an_hour(1);
        let other = on_a_thread(&limit, |limit| drop(limit.reserve(1)));
        let taken = limit.try_acquire().is_ok();
        other.join().unwrap();
        assert_eq!(limit.try_acquire().is_ok(), !taken);
        assert_eq!(limit.snapshot().queued, 0);
    });
}

#[test]
fn a_taker_pays_the_old_price_or_the_new_one() {
    loom::model(|| {
        // Two tokens at an hour each; then three in two hours, so that ticks are others, too.
        let limit = once_an_hour(2);
        let other = on_a_thread(&limit, |limit| limit.set_rate_and_burst(3, HOUR * 2, 2).unwrap());
        let taken = limit.try_acquire().is_ok();
        other.join().unwrap();
        assert!(taken);
        // Of a burst of two one is left, whichever of the two was first.
        assert!(limit.try_acquire().is_ok());
        let wait = limit.try_acquire().unwrap_err().retry_after().unwrap();
        assert!(wait <= HOUR && wait > HOUR / 2, "{wait:?}");
    });
}

#[test]
fn a_lower_burst_is_not_missed_by_a_taker() {
    loom::model(|| {
        let limit = once_an_hour(2);
        limit.try_acquire().unwrap();
        let other = on_a_thread(&limit, |limit| {
            limit.set_rate_and_burst(1, HOUR, 1).unwrap();
            // From here on the one token that was taken is all there is.
            limit.try_acquire().is_ok()
        });
        let _ = limit.try_acquire();
        assert!(!other.join().unwrap());
        assert!(limit.try_acquire().is_err());
    });
}

#[test]
fn closing_stops_a_taker_that_is_just_coming() {
    loom::model(|| {
        let limit = once_an_hour(8);
        let other = on_a_thread(&limit, |limit| {
            limit.close();
            limit.try_acquire().is_ok()
        });
        let _ = limit.try_acquire();
        assert!(!other.join().unwrap());
        assert!(limit.try_acquire().is_err());
    });
}

#[test]
fn a_lower_burst_ends_a_reservation_that_is_just_claimed() {
    loom::model(|| {
        let limit = once_an_hour(2);
        let two = limit.reserve(2).unwrap();
        let other = on_a_thread(&limit, |limit| limit.set_rate_and_burst(1, HOUR, 1).unwrap());
        let claimed = match two.claim() {
            Ok(()) => true,
            Err(NotClaimed::Rejected(_)) => false,
            Err(NotClaimed::TooEarly(_)) => panic!("it was never too early"),
        };
        other.join().unwrap();
        assert_eq!(limit.snapshot().queued, 0);
        assert_eq!(limit.try_acquire().is_ok(), !claimed);
    });
}
