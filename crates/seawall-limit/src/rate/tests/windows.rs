//! Windows against a list of what was taken.

use proptest::prelude::*;

use super::super::sliding_counter::PARTS;
use super::*;

/// Whether a call was admitted, and whether the quota has room for it among those that count.
struct Decision {
    taken: bool,
    fits: bool,
}

fn decisions(
    algorithm: Algorithm,
    quota: Quota,
    steps: &[(u64, u64)],
    counts: impl Fn(u64, u64) -> bool,
) -> Vec<Decision> {
    let mut meter = Meter::new(algorithm, quota);
    let mut log: Vec<(u64, u64)> = Vec::new();
    let mut now = 0;
    let decide = |&(step, permits)| {
        now += step;
        let counted = log.iter().filter(|(at, _)| counts(*at, now)).map(|(_, n)| n);
        let fits = counted.sum::<u64>() + permits <= quota.permits;
        let taken = meter.take(now, permits).is_ok();
        if taken {
            log.push((now, permits));
        }
        Decision { taken, fits }
    };
    steps.iter().map(decide).collect()
}

proptest! {
    #[test]
    fn the_sliding_ones_admit_at_most_the_quota_in_every_window((quota, steps) in runs()) {
        for algorithm in [Algorithm::SlidingLog, Algorithm::SlidingCounter] {
            let admitted = admitted(&mut Meter::new(algorithm, quota), &steps);
            let most = most_in_a_window(&admitted, quota.period);
            prop_assert!(most <= quota.permits, "{:?}: {}", algorithm, most);
        }
    }

    #[test]
    fn the_log_refuses_only_what_would_be_too_much((quota, steps) in runs()) {
        let period = quota.period;
        for decision in decisions(Algorithm::SlidingLog, quota, &steps, |at, now| at + period > now) {
            prop_assert_eq!(decision.taken, decision.fits);
        }
    }

    #[test]
    fn the_counter_gives_a_permit_back_a_part_of_the_period_late_at_most((quota, steps) in runs()) {
        let part = quota.period.div_ceil(PARTS as u64);
        let reach = part * (PARTS as u64 + 1);
        let counts = |at, now| at + reach > now;
        for decision in decisions(Algorithm::SlidingCounter, quota, &steps, counts) {
            prop_assert!(decision.taken || !decision.fits);
        }
    }

    #[test]
    fn fixed_windows_admit_the_quota_in_each((quota, steps) in runs()) {
        let window = |at| at / quota.period;
        let counts = |at, now| window(at) == window(now);
        for decision in decisions(Algorithm::FixedWindow, quota, &steps, counts) {
            prop_assert_eq!(decision.taken, decision.fits);
        }
    }

    #[test]
    fn around_an_edge_fixed_windows_admit_twice_the_quota_at_most((quota, steps) in runs()) {
        let admitted = admitted(&mut Meter::new(Algorithm::FixedWindow, quota), &steps);
        let most = most_in_a_window(&admitted, quota.period);
        prop_assert!(most <= 2 * quota.permits);
    }
}

#[test]
fn around_the_edge_of_a_fixed_window_twice_the_quota_goes_through() {
    let mut meter = Meter::new(Algorithm::FixedWindow, quota(100, SECOND, 100));
    let before = (0..200).filter(|_| meter.take(SECOND - 1, 1).is_ok()).count();
    let after = (0..200).filter(|_| meter.take(SECOND, 1).is_ok()).count();
    assert_eq!((before, after), (100, 100), "200 within two nanoseconds");
}

#[test]
fn a_smaller_quota_counts_what_was_taken_under_the_larger() {
    for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::SlidingCounter] {
        let mut meter = Meter::new(algorithm, quota(10, SECOND, 1));
        meter.take(5, 8).unwrap();
        meter.set_quota(quota(4, SECOND, 1), 6);
        let wait = meter.take(6, 1).unwrap_err();
        refused_until_and_admitted_at(&meter, 6, wait, 1);
    }
}

#[test]
fn a_log_gives_a_permit_back_a_period_after_it_was_taken() {
    let mut meter = Meter::new(Algorithm::SlidingLog, quota(2, SECOND, 1));
    meter.take(0, 2).unwrap();
    assert_eq!(meter.take(0, 1), Err(SECOND));
    // Asked for before any call has seen that they are over.
    assert_eq!(meter.due(SECOND, 0, 2), SECOND);
    assert_eq!(meter.due(SECOND, 2, 1), 2 * SECOND);
}
