//! Each algorithm against an oracle that knows nothing of how it works.

use std::time::Duration;

use proptest::prelude::*;
use seawall_core::{Check, PolicyKind};

use super::lane::Take;
use super::machine::{Algorithm, Meter};
use super::quota::Quota;
use super::state::Shelter;

fn quota(permits: u64, period: u64, burst: u64) -> Quota {
    let check = Check::of(PolicyKind::RateLimit);
    Quota::new(check, permits, Duration::from_nanos(period), Some(burst)).unwrap()
}

/// A quota, and calls: how long after the one before, and for how many permits.
fn runs() -> impl Strategy<Value = (Quota, Vec<(u64, u64)>)> {
    (1_u64..20, 1_u64..50, 1_u64..8).prop_flat_map(|(permits, period, burst)| {
        let steps = proptest::collection::vec((0..period * 2, 1..=burst.min(permits)), 1..60);
        (Just(quota(permits, period, burst)), steps)
    })
}

/// When how many were admitted.
fn admitted(meter: &mut Meter, steps: &[(u64, u64)]) -> Vec<(u64, u64)> {
    let mut now = 0;
    let mut admitted = Vec::new();
    for &(step, permits) in steps {
        now += step;
        match meter.take(now, permits) {
            Ok(()) => admitted.push((now, permits)),
            Err(wait) => refused_until_and_admitted_at(meter, now, wait, permits),
        }
    }
    admitted
}

fn refused_until_and_admitted_at(meter: &Meter, now: u64, wait: u64, permits: u64) {
    assert!(wait > 0);
    assert_eq!(meter.clone().take(now + wait - 1, permits), Err(1), "one nanosecond before");
    assert_eq!(meter.clone().take(now + wait, permits), Ok(()), "at the time that was named");
}

fn most_in_a_window(admitted: &[(u64, u64)], period: u64) -> u64 {
    let in_window_from = |start: u64| {
        let inside = admitted.iter().filter(|(at, _)| (start..start + period).contains(at));
        inside.map(|(_, permits)| permits).sum::<u64>()
    };
    admitted.iter().map(|&(at, _)| in_window_from(at)).max().unwrap_or(0)
}

/// A bucket that is filled drop by drop: a permit is `period` drops, a nanosecond adds `permits`.
struct Bucket {
    quota: Quota,
    level: u128,
    at: u64,
}

impl Bucket {
    fn new(quota: Quota) -> Self {
        Self { quota, level: Self::size(quota), at: 0 }
    }

    fn size(quota: Quota) -> u128 {
        u128::from(quota.burst.get()) * u128::from(quota.period.get())
    }

    fn take(&mut self, now: u64, permits: u64) -> bool {
        let drops = u128::from(now - self.at) * u128::from(self.quota.permits.get());
        self.level = (self.level + drops).min(Self::size(self.quota));
        self.at = now;
        let cost = u128::from(permits) * u128::from(self.quota.period.get());
        let takes = cost <= self.level;
        if takes {
            self.level -= cost;
        }
        takes
    }
}

/// Takes one permit as a call does: from the lane, or under the lock where that is shut. Says
/// whether it was the lane.
fn take_one(shelter: &Shelter, now: u64) -> (Result<(), u64>, bool) {
    match shelter.lane.take(now) {
        Take::Taken => (Ok(()), true),
        Take::NotYet(wait) => (Err(wait), true),
        Take::Shut => (shelter.lock(now).meter.take(now, 1), false),
    }
}

/// Lengths of time from nothing to years, mostly short ones.
fn steps() -> impl Strategy<Value = u64> {
    prop_oneof![4 => 0..50_u64, 2 => 0..2_000_000_000_u64, 1 => (0..56_u32).prop_map(|n| 1 << n)]
}

proptest! {
    #[test]
    fn the_lane_decides_like_the_meter_under_the_lock(
        (permits, period, burst) in (1..=3_000_000_007_u64, 1..=3_600_000_000_000_u64, 1..1_000_u64),
        (other, other_burst) in (1..=3_000_000_007_u64, 1..1_000_u64),
        steps in proptest::collection::vec((steps(), 0_u8..20), 1..80),
    ) {
        let mut meter = Meter::new(Algorithm::Gcra, quota(permits, period, burst));
        let shelter = Shelter::new(Algorithm::Gcra, quota(permits, period, burst));
        let mut now = 0;
        for (step, change) in steps {
            now += step;
            prop_assert_eq!(take_one(&shelter, now).0, meter.take(now, 1));
            if change == 0 {
                let quota = quota(other, period, other_burst);
                meter.set_quota(quota, now);
                shelter.lock(now).meter.set_quota(quota, now);
            }
        }
    }

    #[test]
    fn gcra_admits_at_most_burst_and_rate_in_every_interval((quota, steps) in runs()) {
        let admitted = admitted(&mut Meter::new(Algorithm::Gcra, quota), &steps);
        for (index, &(from, _)) in admitted.iter().enumerate() {
            let mut count = 0;
            for &(until, permits) in &admitted[index..] {
                count += permits;
                let above_burst = count.saturating_sub(quota.burst.get());
                let granted = (until - from) * quota.permits.get();
                prop_assert!(above_burst * quota.period.get() <= granted);
            }
        }
    }

    #[test]
    fn gcra_decides_like_a_bucket((quota, steps) in runs()) {
        let mut meter = Meter::new(Algorithm::Gcra, quota);
        let mut bucket = Bucket::new(quota);
        let mut now = 0;
        for (step, permits) in steps {
            now += step;
            prop_assert_eq!(meter.take(now, permits).is_ok(), bucket.take(now, permits));
        }
    }

    #[test]
    fn the_sliding_ones_admit_at_most_the_quota_in_every_window((quota, steps) in runs()) {
        for algorithm in [Algorithm::SlidingLog, Algorithm::SlidingCounter] {
            let admitted = admitted(&mut Meter::new(algorithm, quota), &steps);
            let most = most_in_a_window(&admitted, quota.period.get());
            prop_assert!(most <= quota.permits.get(), "{:?}: {}", algorithm, most);
        }
    }

    #[test]
    fn the_log_refuses_only_what_would_be_too_much((quota, steps) in runs()) {
        let mut meter = Meter::new(Algorithm::SlidingLog, quota);
        let mut taken: Vec<(u64, u64)> = Vec::new();
        let mut now = 0;
        for (step, permits) in steps {
            now += step;
            let recent = taken.iter().filter(|(at, _)| at + quota.period.get() > now);
            let fits = recent.map(|(_, n)| n).sum::<u64>() + permits <= quota.permits.get();
            prop_assert_eq!(meter.take(now, permits).is_ok(), fits);
            if fits {
                taken.push((now, permits));
            }
        }
    }

    #[test]
    fn fixed_windows_admit_the_quota_in_each((quota, steps) in runs()) {
        let admitted = admitted(&mut Meter::new(Algorithm::FixedWindow, quota), &steps);
        for window in 0..=admitted.last().map_or(0, |(at, _)| at / quota.period.get()) {
            let inside = admitted.iter().filter(|(at, _)| at / quota.period.get() == window);
            prop_assert!(inside.map(|(_, n)| n).sum::<u64>() <= quota.permits.get());
        }
        // Said plainly in the docs: around an edge it is up to twice as many.
        prop_assert!(
            most_in_a_window(&admitted, quota.period.get()) <= 2 * quota.permits.get()
        );
    }

    #[test]
    fn a_clock_that_goes_back_grants_nothing_extra(
        (quota, steps) in runs(),
        backwards in proptest::collection::vec(0_u64..200, 60),
    ) {
        for algorithm in ALL {
            let mut meter = Meter::new(algorithm, quota);
            let (mut clock, mut latest) = (0, 0);
            let mut admitted = Vec::new();
            for (&(step, permits), back) in steps.iter().zip(&backwards) {
                clock += step;
                let now = clock.saturating_sub(*back);
                latest = latest.max(now);
                if meter.take(now, permits).is_ok() {
                    admitted.push((latest, permits));
                }
            }
            let most = most_in_a_window(&admitted, quota.period.get());
            let allowed = match algorithm {
                Algorithm::Gcra => quota.burst.get() + quota.permits.get(),
                Algorithm::FixedWindow => 2 * quota.permits.get(),
                _ => quota.permits.get(),
            };
            prop_assert!(most <= allowed, "{:?}: {} > {}", algorithm, most, allowed);
        }
    }

    #[test]
    fn who_waits_is_told_when_its_turn_comes(
        (quota, steps) in runs(),
        ahead in 0_u64..30,
    ) {
        for algorithm in ALL {
            let mut meter = Meter::new(algorithm, quota);
            let _ = admitted(&mut meter, &steps);
            let start = steps.iter().map(|(step, _)| step).sum();
            let due = meter.due(start, ahead, 1);
            let mut now: u64 = start;
            for _ in 0..=ahead {
                if let Err(wait) = meter.take(now, 1) {
                    now += wait;
                    prop_assert_eq!(meter.take(now, 1), Ok(()));
                }
            }
            // Never too late. Whoever is told a time that is too early waits on.
            prop_assert!(due <= now, "{:?}: {} > {}", algorithm, due, now);
            match algorithm {
                Algorithm::SlidingCounter => {}
                // Each of those before loses up to a nanosecond, as clocks show only whole ones.
                Algorithm::Gcra => prop_assert!(now - due <= ahead),
                _ => prop_assert_eq!(due, now, "{:?}", algorithm),
            }
        }
    }

    #[test]
    fn any_numbers_at_all_are_survived(
        permits in 1..=i64::MAX.unsigned_abs(),
        period in 1..=i64::MAX.unsigned_abs(),
        steps in proptest::collection::vec((any::<u64>(), any::<u64>()), 1..30),
    ) {
        for algorithm in ALL {
            // The log remembers each permit, so it can't be given 2⁶³ of them.
            let permits = if algorithm == Algorithm::SlidingLog { permits % 50 + 1 } else { permits };
            let mut meter = Meter::new(algorithm, quota(permits, period, 1));
            for &(now, wanted) in &steps {
                let wanted = wanted % permits + 1;
                let _ = meter.take(now, wanted);
                prop_assert!(meter.due(now, wanted, 1) >= now);
            }
            meter.set_quota(quota(1, i64::MAX.unsigned_abs(), 1), steps[0].0);
            let _ = meter.take(steps[0].0, 1);
        }
    }
}

const ALL: [Algorithm; 4] =
    [Algorithm::Gcra, Algorithm::FixedWindow, Algorithm::SlidingLog, Algorithm::SlidingCounter];

const SECOND: u64 = 1_000_000_000;

/// In a minute of a call a millisecond, how often the lane is shut.
fn times_shut(permits: u64, period: u64) -> usize {
    let shelter = Shelter::new(Algorithm::Gcra, quota(permits, period, 1 + permits / 100));
    (0..60_000).filter(|n| !take_one(&shelter, n * 1_000_000).1).count()
}

#[test]
fn usual_rates_are_taken_from_the_lane_alone() {
    for permits in [1, 3, 7, 50, 100, 300, 999, 1_000, 9_999, 60_000] {
        assert_eq!(times_shut(permits, SECOND), 0, "{permits} a second");
        assert_eq!(times_shut(permits, 60 * SECOND), 0, "{permits} a minute");
        assert_eq!(times_shut(permits, 3_600 * SECOND), 0, "{permits} an hour");
    }
}

#[test]
fn a_lane_that_has_come_to_its_end_begins_anew() {
    // Ticks are so small that its word lasts for five hours.
    let shelter = Shelter::new(Algorithm::Gcra, quota(999, SECOND, 1));
    let shut = |from: u64| {
        let nanos = (0..1_000).map(|n| from + n * 1_000);
        nanos.filter(|&now| !take_one(&shelter, now).1).count()
    };
    let hour = 3_600 * SECOND;
    assert_eq!((shut(0), shut(4 * hour)), (0, 0));
    assert_eq!((shut(6 * hour), shut(7 * hour)), (1, 0), "the first one moved it");
}

#[test]
fn what_a_word_is_too_small_for_is_counted_under_the_lock() {
    // A prime, and a burst of a second: 10¹⁸ ticks.
    let permits = 1_000_000_007;
    let shelter = Shelter::new(Algorithm::Gcra, quota(permits, SECOND, permits));
    assert_eq!(take_one(&shelter, 0), (Ok(()), false));
}

#[test]
fn an_idle_century_grants_exactly_the_burst() {
    let century = 100 * 365 * 24 * 3_600 * SECOND;
    let mut meter = Meter::new(Algorithm::Gcra, quota(10, SECOND, 7));
    assert_eq!(meter.take(century, 1), Ok(()));
    let more = (0..20).filter(|_| meter.take(century, 1).is_ok()).count();
    assert_eq!(more, 6);
}

#[test]
fn three_thousand_million_a_second_are_three_a_nanosecond() {
    let mut meter = Meter::new(Algorithm::Gcra, quota(3 * SECOND, SECOND, 3));
    let mut at = |now| (0..10).filter(|_| meter.take(now, 1).is_ok()).count();
    let admitted: usize = (0..1_000).map(&mut at).sum();
    assert_eq!(admitted, 3_000);
}

#[test]
fn a_rate_that_is_no_whole_number_of_nanoseconds_is_kept_exactly() {
    // 1 / 7 of a second is 142,857,142.857… ns.
    let mut meter = Meter::new(Algorithm::Gcra, quota(7, SECOND, 2));
    let mut now = 0;
    for _ in 0..7_000_000 + 2 {
        if let Err(wait) = meter.take(now, 1) {
            now += wait;
            assert_eq!(meter.take(now, 1), Ok(()));
        }
    }
    assert_eq!(now, 1_000_000 * SECOND);
}

#[test]
fn around_the_edge_of_a_fixed_window_twice_the_quota_goes_through() {
    let mut meter = Meter::new(Algorithm::FixedWindow, quota(100, SECOND, 100));
    let before = (0..200).filter(|_| meter.take(SECOND - 1, 1).is_ok()).count();
    let after = (0..200).filter(|_| meter.take(SECOND, 1).is_ok()).count();
    assert_eq!((before, after), (100, 100), "200 within two nanoseconds");
}

#[test]
fn another_rate_keeps_what_was_taken() {
    let mut meter = Meter::new(Algorithm::Gcra, quota(1, SECOND, 10));
    meter.take(0, 10).unwrap();
    meter.set_quota(quota(1_000, SECOND, 10), 0);
    assert_eq!(meter.take(0, 1), Err(SECOND / 1_000), "ten are taken, at the new price");
    meter.set_quota(quota(1_000, SECOND, 12), 0);
    assert_eq!(meter.take(0, 2), Ok(()));
    assert!(meter.take(0, 1).is_err());
}

#[test]
fn another_rate_counts_what_was_taken_neither_up_nor_down() {
    // A permit of 270 / 7 ns; then it costs 90 ns, and 270 / 7 again.
    let mut meter = Meter::new(Algorithm::Gcra, quota(7, 270, 1));
    meter.take(0, 1).unwrap();
    meter.set_quota(quota(1, 90, 1), 0);
    assert_eq!(meter.take(0, 1), Err(90));
    meter.set_quota(quota(7, 270, 1), 0);
    assert_eq!(meter.take(0, 1), Err(39));
    // Half of a permit stays half of one.
    meter.set_quota(quota(1, 90, 1), 0);
    meter.set_quota(quota(1, 1_000, 1), 45);
    assert_eq!(meter.take(45, 1), Err(500));
    // The largest numbers that there are.
    let most = i64::MAX.unsigned_abs();
    let mut meter = Meter::new(Algorithm::Gcra, quota(most, 2, most));
    meter.take(0, most).unwrap();
    meter.set_quota(quota(1, 1, most), 0);
    assert_eq!(meter.take(0, 1), Err(1), "all of a burst is taken, and not more");
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
