//! What holds of every algorithm.

use proptest::prelude::*;

use super::*;

proptest! {
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
            let most = most_in_a_window(&admitted, quota.period);
            let allowed = match algorithm {
                Algorithm::Gcra => quota.burst + quota.permits,
                Algorithm::FixedWindow => 2 * quota.permits,
                _ => quota.permits,
            };
            prop_assert!(most <= allowed, "{:?}: {} > {}", algorithm, most, allowed);
        }
    }

    #[test]
    fn what_is_available_can_be_taken_and_no_more((quota, steps) in runs()) {
        for algorithm in ALL {
            let mut meter = Meter::new(algorithm, quota);
            let mut now = 0;
            for &(step, permits) in &steps {
                now += step;
                let available = meter.available(now);
                prop_assert!(meter.clone().take(now, available).is_ok(), "{:?}", algorithm);
                prop_assert!(meter.clone().take(now, available + 1).is_err(), "{:?}", algorithm);
                prop_assert_eq!(meter.take(now, permits).is_ok(), permits <= available);
            }
        }
    }

    #[test]
    fn a_waiter_learns_when_its_time_comes(
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
            // Never too late. A waiter whose time is too early waits again.
            prop_assert!(due <= now, "{:?}: {} > {}", algorithm, due, now);
            // Each of those before loses up to a nanosecond, as clocks show only whole ones.
            let lost = if algorithm == Algorithm::Gcra { ahead } else { 0 };
            prop_assert!(now - due <= lost, "{:?}: {} < {}", algorithm, due, now);
        }
    }

    #[test]
    fn another_quota_holds_from_its_moment_on_and_its_refusals_are_exact(
        (before, steps) in runs(),
        (after, more) in runs(),
    ) {
        for algorithm in ALL {
            let mut meter = Meter::new(algorithm, before);
            let mut log = admitted(&mut meter, &steps);
            let mut now: u64 = steps.iter().map(|(step, _)| step).sum();
            // What had left the old period does not come back in a longer one.
            log.retain(|(at, _)| at + before.period > now);
            meter.set_quota(after, now);
            for &(step, permits) in &more {
                now += step;
                match meter.take(now, permits) {
                    Ok(()) => log.push((now, permits)),
                    Err(wait) => {
                        refused_until_and_admitted_at(&meter, now, wait, permits);
                        continue;
                    }
                }
                let recent = log.iter().filter(|(at, _)| at + after.period > now);
                let recent: u64 = recent.map(|(_, permits)| permits).sum();
                let is_sliding =
                    matches!(algorithm, Algorithm::SlidingLog | Algorithm::SlidingCounter);
                prop_assert!(!is_sliding || recent <= after.permits, "{:?}", algorithm);
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
                let _ = meter.take(now, wanted % permits + 1);
                prop_assert!(meter.due(now, wanted, 1) >= now);
            }
            meter.set_quota(quota(1, i64::MAX.unsigned_abs(), 1), steps[0].0);
            let _ = meter.take(steps[0].0, 1);
        }
    }
}

#[test]
fn an_idle_century_grants_exactly_the_burst() {
    for algorithm in ALL {
        let mut meter = Meter::new(algorithm, quota(7, SECOND, 7));
        meter.take(0, 7).unwrap();
        let taken = (0..20).filter(|_| meter.take(CENTURY, 1).is_ok()).count();
        assert_eq!(taken, 7, "{algorithm:?}");
    }
}

#[test]
fn three_thousand_million_a_second_are_granted() {
    for algorithm in ALL {
        // A window of one microsecond.
        let mut meter = Meter::new(algorithm, quota(3_000, 1_000, 3_000));
        let taken = (0..1_000_000).filter(|n| meter.take(n / 10, 1).is_ok()).count();
        // In a hundred windows, of which a sliding counter has a part more each.
        let windows = if algorithm == Algorithm::SlidingCounter { 93 } else { 100 };
        let allowed = windows * 3_000..=(windows + 1) * 3_000;
        assert!(allowed.contains(&taken), "{algorithm:?}: {taken}");
    }
}
