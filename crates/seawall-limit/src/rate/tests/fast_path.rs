//! The fast path against the meter.

use proptest::prelude::*;

use super::super::fast_path::Take;
use super::super::state::StateCell;
use super::*;

/// Takes one permit as a call does: by the fast path, or under the lock where that is closed. Says
/// whether it was the fast path.
fn take_one(cell: &StateCell, now: u64) -> (Result<(), u64>, bool) {
    match cell.fast_path.take(now) {
        Take::Taken => (Ok(()), true),
        Take::NotYet(wait) => (Err(wait), true),
        Take::Closed => (cell.lock(now).meter.take(now, 1), false),
    }
}

/// Lengths of time from nothing to years, mostly short ones.
fn steps() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..50_u64, 2 => 0..2_000_000_000_u64, 1 => (0..56_u32).prop_map(|n| 1 << n)]
}

proptest! {
    #[test]
    fn the_fast_path_decides_like_the_meter_under_the_lock(
        (permits, period, burst) in (1..=3_000_000_007_u64, 1..=3_600_000_000_000_u64, 1..1_000_u64),
        (other, other_burst) in (1..=3_000_000_007_u64, 1..1_000_u64),
        steps in proptest::collection::vec((steps(), 0_u8..20), 1..80),
    ) {
        let mut meter = Meter::new(Algorithm::Gcra, quota(permits, period, burst));
        let cell = StateCell::new(Algorithm::Gcra, quota(permits, period, burst));
        let mut now = 0;
        for (step, change) in steps {
            now += step;
            prop_assert_eq!(take_one(&cell, now).0, meter.take(now, 1));
            if change == 0 {
                let quota = quota(other, period, other_burst);
                meter.set_quota(quota, now);
                cell.lock(now).meter.set_quota(quota, now);
            }
        }
    }

    #[test]
    fn a_clock_that_goes_back_takes_nothing_extra_by_the_fast_path(
        (permits, period, burst) in (1..=1_000_u64, 1..=1_000_u64, 1..20_u64),
        steps in proptest::collection::vec((0_u64..100, 0_u64..2_000), 1..200),
    ) {
        let cell = StateCell::new(Algorithm::Gcra, quota(permits, period, burst));
        let (mut clock, mut latest, mut taken) = (0_u64, 0, 0);
        for (step, back) in steps {
            clock += step;
            let now = clock.saturating_sub(back);
            latest = latest.max(now);
            taken += u64::from(take_one(&cell, now).0.is_ok());
            let above_burst = u128::from(taken.saturating_sub(burst));
            prop_assert!(above_burst * u128::from(period) <= u128::from(latest * permits));
        }
    }
}

/// In a minute of a call a millisecond, how often the fast path is closed.
fn times_closed(permits: u64, period: u64) -> usize {
    let cell = StateCell::new(Algorithm::Gcra, quota(permits, period, 1 + permits / 100));
    (0..60_000).filter(|n| !take_one(&cell, n * 1_000_000).1).count()
}

#[test]
fn usual_rates_take_the_fast_path_alone() {
    for permits in [1, 3, 7, 50, 100, 300, 999, 1_000, 9_999, 60_000] {
        assert_eq!(times_closed(permits, SECOND), 0, "{permits} a second");
        assert_eq!(times_closed(permits, 60 * SECOND), 0, "{permits} a minute");
        assert_eq!(times_closed(permits, 3_600 * SECOND), 0, "{permits} an hour");
    }
}

#[test]
fn a_word_that_has_come_to_its_end_begins_again() {
    // 999 ticks a nanosecond: a word lasts for 106 days.
    let cell = StateCell::new(Algorithm::Gcra, quota(999, SECOND, 1));
    let locked = |from: u64| {
        let nanos = (0..1_000).map(|n| from + n * 1_000);
        nanos.filter(|&now| !take_one(&cell, now).1).count()
    };
    let day = 24 * 3_600 * SECOND;
    assert_eq!((locked(0), locked(100 * day)), (0, 0));
    assert_eq!((locked(107 * day), locked(200 * day)), (1, 0), "the first one began again");
}

#[test]
fn what_a_word_is_too_small_for_is_counted_under_the_lock() {
    // A prime, and a burst of ten seconds: 10¹⁹ ticks.
    let permits = 1_000_000_007;
    let cell = StateCell::new(Algorithm::Gcra, quota(permits, SECOND, 10 * permits));
    assert_eq!(take_one(&cell, 0), (Ok(()), false));
}

#[test]
fn a_fast_path_that_was_idle_for_a_century_grants_exactly_the_burst() {
    for permits in [10, 999] {
        let cell = StateCell::new(Algorithm::Gcra, quota(permits, SECOND, 7));
        take_one(&cell, 0).0.unwrap();
        let taken = (0..20).filter(|_| take_one(&cell, CENTURY).0.is_ok()).count();
        assert_eq!(taken, 7, "{permits} a second");
    }
}

#[test]
fn a_fast_path_that_begins_again_after_a_rest_grants_exactly_the_burst() {
    for permits in [10, 999] {
        let cell = StateCell::new(Algorithm::Gcra, quota(permits, SECOND, 7));
        take_one(&cell, 0).0.unwrap();
        // Another call looked and took nothing.
        drop(cell.lock(CENTURY));
        let taken = (0..20).filter(|_| take_one(&cell, CENTURY) == (Ok(()), true)).count();
        assert_eq!(taken, 7, "{permits} a second");
    }
}
