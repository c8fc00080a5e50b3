//! Every interleaving on the fast path itself, on a frozen clock: there, words could be equal again
//! though their terms are not.

use std::sync::Arc;
use std::time::Duration;

use loom::thread;

use super::fast_path::Take;
use super::machine::Algorithm;
use super::quota::Quota;
use super::state::StateCell;

const NOW: u64 = 1_000;

fn quota(permits: u64, period: u64, burst: u64) -> Quota {
    Quota::new(permits, Duration::from_nanos(period), Some(burst)).unwrap()
}

fn set(cell: &StateCell, quota: Quota) {
    cell.lock(NOW).meter.set_quota(quota, NOW);
}

/// What is left of the burst.
fn count(cell: &StateCell) -> usize {
    (0..10).filter(|_| cell.fast_path.take(NOW) == Take::Taken).count()
}

#[test]
fn a_permit_by_the_terms_of_one_rate_does_not_pay_into_another() {
    loom::model(|| {
        let cell = Arc::new(StateCell::new(Algorithm::Gcra, quota(1, 100, 4)));
        // From here on a word that counts from now would be the same after every change.
        set(&cell, quota(1, 100, 4));
        let other = thread::spawn({
            let cell = Arc::clone(&cell);
            move || set(&cell, quota(1, 1, 4))
        });
        let taken = cell.fast_path.take(NOW) == Take::Taken;
        other.join().unwrap();
        // One of four is taken, at the price of that time: were it the old one, a hundred times
        // as high, there would be none.
        assert_eq!(count(&cell), if taken { 3 } else { 4 });
    });
}

#[test]
fn a_refusal_names_a_wait_that_fits_one_of_the_rates() {
    loom::model(|| {
        // Seven ticks a nanosecond, then one: by the new terms the old word lies far ahead.
        let cell = Arc::new(StateCell::new(Algorithm::Gcra, quota(7, 270, 1)));
        assert_eq!(cell.fast_path.take(NOW), Take::Taken);
        let other = thread::spawn({
            let cell = Arc::clone(&cell);
            move || set(&cell, quota(1, 90, 1))
        });
        let take = cell.fast_path.take(NOW);
        other.join().unwrap();
        assert!([Take::NotYet(39), Take::NotYet(90), Take::Closed].contains(&take), "{take:?}");
    });
}

/// By `Shared::take_now`'s way: the fast path, then the lock.
#[test]
fn a_call_that_finds_the_fast_path_closed_is_answered_by_one_of_the_rates() {
    loom::model(|| {
        let cell = Arc::new(StateCell::new(Algorithm::Gcra, quota(7, 270, 1)));
        assert_eq!(cell.fast_path.take(NOW), Take::Taken);
        let other = thread::spawn({
            let cell = Arc::clone(&cell);
            move || set(&cell, quota(1, 90, 1))
        });
        let wait = match cell.fast_path.take(NOW) {
            Take::Closed => cell.lock(NOW).meter.take(NOW, 1).unwrap_err(),
            Take::NotYet(wait) => wait,
            Take::Taken => panic!("there is no permit"),
        };
        other.join().unwrap();
        assert!([39, 90].contains(&wait), "{wait}");
    });
}

#[test]
fn two_takers_and_one_token_grant_once() {
    loom::model(|| {
        let cell = Arc::new(StateCell::new(Algorithm::Gcra, quota(1, 90, 1)));
        let other = thread::spawn({
            let cell = Arc::clone(&cell);
            move || cell.fast_path.take(0) == Take::Taken
        });
        let taken = cell.fast_path.take(0) == Take::Taken;
        assert!(taken ^ other.join().unwrap());
    });
}
