//! GCRA against a bucket, and to the nanosecond.

use proptest::prelude::*;

use super::*;

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
        u128::from(quota.burst) * u128::from(quota.period)
    }

    fn take(&mut self, now: u64, permits: u64) -> bool {
        let drops = u128::from(now - self.at) * u128::from(self.quota.permits);
        self.level = (self.level + drops).min(Self::size(self.quota));
        self.at = now;
        let cost = u128::from(permits) * u128::from(self.quota.period);
        let takes = cost <= self.level;
        if takes {
            self.level -= cost;
        }
        takes
    }
}

proptest! {
    #[test]
    fn gcra_admits_at_most_burst_and_rate_in_every_interval((quota, steps) in runs()) {
        let admitted = admitted(&mut Meter::new(Algorithm::Gcra, quota), &steps);
        for (index, &(from, _)) in admitted.iter().enumerate() {
            let mut count = 0;
            for &(until, permits) in &admitted[index..] {
                count += permits;
                let above_burst = count.saturating_sub(quota.burst);
                let granted = (until - from) * quota.permits;
                prop_assert!(above_burst * quota.period <= granted);
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
    // What is half a permit of two nanoseconds is one of three, rounded up.
    let mut meter = Meter::new(Algorithm::Gcra, quota(1, 2, 1));
    meter.take(0, 1).unwrap();
    meter.set_quota(quota(1, 3, 1), 1);
    assert_eq!(meter.take(1, 1), Err(2));
    // The largest numbers that there are.
    let most = i64::MAX.unsigned_abs();
    let mut meter = Meter::new(Algorithm::Gcra, quota(most, 2, most));
    meter.take(0, most).unwrap();
    meter.set_quota(quota(1, 1, most), 0);
    assert_eq!(meter.take(0, 1), Err(1), "all of a burst is taken, and not more");
}

#[test]
fn another_rate_finds_no_debt_where_there_is_none() {
    let mut meter = Meter::new(Algorithm::Gcra, quota(1, 90, 3));
    meter.take(0, 1).unwrap();
    meter.set_quota(quota(1, 70, 3), 1_000);
    assert_eq!(meter.take(1_000, 3), Ok(()));
}
