//! Every interleaving on the lane itself, on a clock that stands still: where words can be the same
//! again though their terms are not.

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use seawall_core::{Check, PolicyKind};

use super::fast_path::Take;
use super::machine::Algorithm;
use super::quota::Quota;
use super::state::Shelter;

const NOW: u64 = 1_000;

fn quota(permits: u64, period: u64, burst: u64) -> Quota {
    let check = Check::of(PolicyKind::RateLimit);
    Quota::new(check, permits, Duration::from_nanos(period), Some(burst)).unwrap()
}

fn set(shelter: &Shelter, quota: Quota) {
    shelter.lock(NOW).meter.set_quota(quota, NOW);
}

/// What is left of the burst.
fn count(shelter: &Shelter) -> usize {
    (0..10).filter(|_| shelter.lane.take(NOW) == Take::Taken).count()
}

#[test]
fn who_takes_by_the_terms_of_one_rate_does_not_pay_into_another() {
    loom::model(|| {
        let shelter = Arc::new(Shelter::new(Algorithm::Gcra, quota(1, 100, 4)));
        // From here on the word is the one that it is after every change of an idle rate at NOW.
        set(&shelter, quota(1, 100, 4));
        let other = thread::spawn({
            let shelter = Arc::clone(&shelter);
            move || set(&shelter, quota(1, 1, 4))
        });
        let taken = shelter.lane.take(NOW) == Take::Taken;
        other.join().unwrap();
        // One of four is taken, at the price of that time: were it the old one, a hundred times
        // as high, there would be none.
        assert_eq!(count(&shelter), if taken { 3 } else { 4 });
    });
}

/// What a call is told, that asks for the wait only after it has looked.
fn take_or_wait(shelter: &Shelter) -> Take {
    let lane = &shelter.lane;
    match lane.take_at_once(NOW) {
        Ok(()) => Take::Taken,
        Err(refusal) => lane.wait(refusal).map_or_else(|| lane.take(NOW), Take::NotYet),
    }
}

fn names_a_wait_that_fits_one_of_the_rates(ask: fn(&Shelter) -> Take) {
    loom::model(move || {
        // Seven ticks a nanosecond, then one: by the new terms the old word lies far ahead.
        let shelter = Arc::new(Shelter::new(Algorithm::Gcra, quota(7, 270, 1)));
        assert_eq!(shelter.lane.take(NOW), Take::Taken);
        let other = thread::spawn({
            let shelter = Arc::clone(&shelter);
            move || set(&shelter, quota(1, 90, 1))
        });
        let said = ask(&shelter);
        other.join().unwrap();
        assert!([Take::NotYet(39), Take::NotYet(90), Take::Shut].contains(&said), "{said:?}");
    });
}

#[test]
fn a_refusal_names_a_wait_that_fits_one_of_the_rates() {
    names_a_wait_that_fits_one_of_the_rates(|shelter| shelter.lane.take(NOW));
}

#[test]
fn a_refusal_after_one_look_names_a_wait_that_fits_one_of_the_rates() {
    names_a_wait_that_fits_one_of_the_rates(take_or_wait);
}

#[test]
fn two_takers_and_one_token_grant_once() {
    loom::model(|| {
        let shelter = Arc::new(Shelter::new(Algorithm::Gcra, quota(1, 90, 1)));
        let other = thread::spawn({
            let shelter = Arc::clone(&shelter);
            move || shelter.lane.take(0) == Take::Taken
        });
        let taken = shelter.lane.take(0) == Take::Taken;
        assert!(taken ^ other.join().unwrap());
    });
}
