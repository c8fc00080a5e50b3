//! Times in buckets that are 1.6 % wide, in constant memory.

use crate::time::{Nanos, seconds};

const PER_OCTAVE_BITS: u32 = 6;

#[derive(Clone, Debug, Default)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn add(&mut self, time: Nanos) {
        let bucket = bucket(time);
        if bucket >= self.counts.len() {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
    }

    /// The time in seconds that a share `p` stays below; 0 if there is none.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank below the total"
    )]
    pub(crate) fn quantile(&self, p: f64) -> f64 {
        let rank = (self.total as f64 * p) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen > rank {
                return seconds(least(bucket));
            }
        }
        0.0
    }
}

#[expect(clippy::cast_possible_truncation, reason = "at most 128 after the shift")]
const fn bucket(time: Nanos) -> usize {
    let octave = (u64::BITS - time.leading_zeros()).saturating_sub(PER_OCTAVE_BITS + 1);
    ((octave as usize) << PER_OCTAVE_BITS) + (time >> octave) as usize
}

/// The least time of a bucket.
const fn least(bucket: usize) -> Nanos {
    let octave = (bucket >> PER_OCTAVE_BITS).saturating_sub(1);
    let rest = bucket - (octave << PER_OCTAVE_BITS);
    (rest as Nanos) << octave
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_in_its_bucket() {
        for time in (0..2_000).chain((1..5_000).map(|n| n * 997_331)).chain([u64::MAX]) {
            let bucket = bucket(time);
            assert!(least(bucket) <= time, "{time}");
            if time < u64::MAX / 2 {
                assert!(time < least(bucket + 1), "{time}");
            }
        }
    }

    #[test]
    fn quantiles_are_right_within_a_bucket() {
        let mut histogram = Histogram::default();
        assert!(histogram.quantile(0.5) < 1e-12);
        (1..=1_000).for_each(|ms| histogram.add(ms * 1_000_000));
        assert!((histogram.quantile(0.5) - 0.5).abs() < 0.01);
        assert!((histogram.quantile(0.99) - 0.99).abs() < 0.02);
    }
}
