//! Recent latencies, in constant memory.

use std::fmt;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Steps between one power of two and the next: a step is at most 1/16 of the latency wide.
const STEPS: usize = 16;

/// Powers of two of a microsecond: from 1 µs to 71 minutes. What is longer counts as that.
const POWERS: usize = 32;

const BUCKETS: usize = STEPS * POWERS;

/// How many samples weigh fully. Whenever this many are counted, all counts are halved, so samples
/// older than the last thousand or so weigh less and less.
const FULL: u32 = 1024;

/// After how many samples the percentile is computed again.
const REFRESH: u32 = 32;

/// A histogram of latencies that forgets, and one percentile of it.
///
/// Counts are independent words: a sample that is added while another thread halves them may weigh
/// half. The percentile is a figure of a few hundred samples, not an account.
#[derive(Debug)]
pub(super) struct Latencies {
    /// The bits of a number above 0 and below 1.
    percentile: AtomicU64,
    min_samples: AtomicU32,
    buckets: Box<[AtomicU32]>,
    total: AtomicU32,
    seen: AtomicU32,
    /// In nanoseconds; 0 until there are enough samples.
    current: AtomicU64,
}

impl Latencies {
    pub(super) fn new(percentile: f64, min_samples: u32) -> Self {
        Self {
            percentile: percentile.to_bits().into(),
            min_samples: min_samples.into(),
            buckets: (0..BUCKETS).map(|_| AtomicU32::new(0)).collect(),
            total: AtomicU32::new(0),
            seen: AtomicU32::new(0),
            current: AtomicU64::new(0),
        }
    }

    /// The percentile, once there are enough samples.
    pub(super) fn current(&self) -> Option<Duration> {
        match self.current.load(Relaxed) {
            0 => None,
            nanos => Some(Duration::from_nanos(nanos)),
        }
    }

    fn percentile(&self) -> f64 {
        f64::from_bits(self.percentile.load(Relaxed))
    }

    /// Replaces the settings and keeps the samples. The percentile is computed again.
    pub(super) fn replace(&self, percentile: f64, min_samples: u32) {
        self.percentile.store(percentile.to_bits(), Relaxed);
        self.min_samples.store(min_samples, Relaxed);
        if self.total.load(Relaxed) >= min_samples {
            self.refresh();
        } else {
            self.current.store(0, Relaxed);
        }
    }

    pub(super) fn record(&self, latency: Duration) {
        self.buckets[bucket(latency)].fetch_add(1, Relaxed);
        let total = self.total.fetch_add(1, Relaxed) + 1;
        let seen = self.seen.fetch_add(1, Relaxed).wrapping_add(1);
        let enough = self.min_samples.load(Relaxed);
        if total >= enough && (total == enough || seen.is_multiple_of(REFRESH)) {
            self.refresh();
        }
    }

    fn refresh(&self) {
        if self.total.load(Relaxed) >= FULL.max(2 * self.min_samples.load(Relaxed)) {
            self.age();
        }
        let total: u32 = self.buckets.iter().map(|bucket| bucket.load(Relaxed)).sum();
        let rank = f64::from(total) * self.percentile();
        let mut below = 0.0;
        for (index, bucket) in self.buckets.iter().enumerate() {
            below += f64::from(bucket.load(Relaxed));
            if below >= rank {
                let nanos = u64::try_from(upper_end(index).as_nanos()).unwrap_or(u64::MAX);
                self.current.store(nanos, Relaxed);
                return;
            }
        }
    }

    fn age(&self) {
        let (mut total, mut odd) = (0, 0);
        for bucket in &self.buckets {
            // What can't be halved counts in the next bucket. Rounded away, it would be the tail that
            // is lost: there each sample has a bucket for itself.
            let count = bucket.load(Relaxed) + odd;
            odd = count % 2;
            bucket.store(count / 2, Relaxed);
            total += count / 2;
        }
        self.total.store(total, Relaxed);
    }
}

impl fmt::Display for Latencies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "percentile {} of recent latencies", self.percentile() * 100.0)
    }
}

/// The bucket of a latency: the power of two below it, and which step above that.
fn bucket(latency: Duration) -> usize {
    let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).max(1);
    let power = micros.ilog2() as usize;
    if power >= POWERS {
        return BUCKETS - 1;
    }
    let above = micros - (1 << power);
    let step = usize::try_from((above * STEPS as u64) >> power).unwrap_or(STEPS - 1);
    power * STEPS + step
}

/// What the latencies in a bucket do not exceed.
fn upper_end(index: usize) -> Duration {
    let (power, step) = (index / STEPS, index % STEPS);
    let micros = (1_u64 << power) + (((step as u64 + 1) << power) / STEPS as u64);
    Duration::from_micros(micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn every_latency_lies_below_the_upper_end_of_its_bucket_by_a_sixteenth_at_most() {
        for micros in (1..100_000).chain([1 << 20, (1 << 31) + 7, (1 << 32) - 1]) {
            let latency = Duration::from_micros(micros);
            let end = upper_end(bucket(latency));
            assert!(latency <= end, "{latency:?} in a bucket up to {end:?}");
            let widest = latency + latency / 16 + Duration::from_micros(1);
            assert!(end <= widest, "{latency:?} in a bucket up to {end:?}");
        }
        assert_eq!(bucket(Duration::ZERO), 0);
        assert_eq!(bucket(Duration::MAX), BUCKETS - 1);
    }

    #[test]
    fn there_is_no_percentile_before_there_are_enough_samples() {
        let latencies = Latencies::new(0.9, 100);
        for _ in 0..99 {
            latencies.record(ms(10));
        }
        assert_eq!(latencies.current(), None);
        latencies.record(ms(10));
        assert!(latencies.current().is_some_and(|current| current >= ms(10)));
    }

    #[test]
    fn the_percentile_is_that_of_the_samples() {
        for (percentile, expected) in [(0.5, 500), (0.9, 900), (0.99, 990)] {
            let latencies = Latencies::new(percentile, 100);
            for n in 1..=1_000 {
                // In an order that has nothing to do with their size.
                latencies.record(ms(n * 7_919 % 1_000 + 1));
            }
            let current = latencies.current().unwrap();
            let expected = ms(expected);
            let near = current.abs_diff(expected) <= expected / 8;
            assert!(near, "{percentile}: {current:?}");
        }
    }

    #[test]
    fn what_is_long_past_is_forgotten() {
        let latencies = Latencies::new(0.95, 10);
        for _ in 0..5_000 {
            latencies.record(ms(1_000));
        }
        for _ in 0..5_000 {
            latencies.record(ms(10));
        }
        let current = latencies.current().unwrap();
        assert!(current < ms(12), "{current:?}");
        let kept: u32 = latencies.buckets.iter().map(|bucket| bucket.load(Relaxed)).sum();
        assert!(kept <= FULL + REFRESH, "{kept} are counted");
    }
}
