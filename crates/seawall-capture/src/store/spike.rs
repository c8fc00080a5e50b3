//! When a group comes much more often than it used to.

use std::time::Duration;

use crate::Timestamp;

/// How many buckets of history are kept.
pub(crate) const HISTORY: usize = 30;

/// When a count is a spike: robust against what it looks for, as median and median absolute
/// deviation are, where mean and standard deviation would be carried off by the spike itself.
///
/// A bucket spikes when it holds more than `median + deviations × 1.4826 × MAD` of the buckets
/// before it, and at least `min_volume`. 1.4826 makes the deviation comparable to a standard
/// deviation of normally distributed counts (Rousseeuw and Croux: "Alternatives to the Median
/// Absolute Deviation", 1993); a deviation below 1 counts as 1. The current bucket and those that
/// spiked are left out of the history; after 30 that spiked in a row the level is taken for the
/// new one, and the history begins again.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct SpikeConfig {
    /// How long a bucket is. Default: 1 min, short enough to be noticed in time.
    pub bucket: Duration,
    /// How many buckets there must be before anything is a spike, at most 30. Default: 10, so that
    /// the median rests on something.
    pub min_history: usize,
    /// Fewer than this in a bucket is never a spike. Default: 10: two instead of none is no news.
    pub min_volume: u32,
    /// By how many deviations. Default: 6, which a steady count meets next to never.
    pub deviations: f64,
    /// How many calm buckets in a row end it. Default: 3, so that it does not end in each lull.
    pub cool_down: u32,
}

impl Default for SpikeConfig {
    fn default() -> Self {
        Self {
            bucket: Duration::from_mins(1),
            min_history: 10,
            min_volume: 10,
            deviations: 6.0,
            cool_down: 3,
        }
    }
}

/// What an observation changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    Began,
}

/// Counts in buckets of time, and whether they spike. Takes constant time.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Spike {
    /// The counts of closed buckets that did not spike, the newest last.
    history: Vec<u32>,
    /// How many buckets spiked in a row.
    spiked: usize,
    current: Bucket,
    began: Option<Timestamp>,
    /// How many more than this are a spike; `None` while there is too little history.
    threshold: Option<u32>,
    on: bool,
    calm: u32,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Bucket {
    count: u32,
    spiked: bool,
}

impl Spike {
    /// `count` more came at `now`.
    pub(crate) fn observe(&mut self, count: u64, now: Timestamp, config: &SpikeConfig) -> Change {
        self.roll(now, config);
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.current.count = self.current.count.saturating_add(count);
        let over = self.threshold.is_some_and(|threshold| self.current.count > threshold);
        if !over || self.current.spiked {
            return Change::None;
        }
        self.current.spiked = true;
        self.calm = 0;
        if std::mem::replace(&mut self.on, true) { Change::None } else { Change::Began }
    }

    /// Whether it spikes at `now`.
    pub(crate) fn is_on(&mut self, now: Timestamp, config: &SpikeConfig) -> bool {
        self.roll(now, config);
        self.on
    }

    /// Closes the buckets that are over at `now`. A clock that was set back closes none.
    fn roll(&mut self, now: Timestamp, config: &SpikeConfig) {
        let Some(began) = self.began else {
            self.began = Some(now);
            return;
        };
        // In 64 bits, which are enough for 292 million years: divisions of 128 bits take long.
        let bucket = u64::try_from(config.bucket.as_millis()).unwrap_or(u64::MAX).max(1);
        let passed = now.as_millis().saturating_sub(began.as_millis());
        let over = u64::try_from(passed).unwrap_or(0) / bucket;
        if over == 0 {
            return;
        }
        // Beyond the history, and the calm that ends a spike, further empty buckets change nothing.
        let most = HISTORY + usize::try_from(config.cool_down).unwrap_or(HISTORY).min(HISTORY);
        for _ in 0..usize::try_from(over).unwrap_or(most).min(most) {
            self.close(config);
        }
        self.began = Some(began.after(Duration::from_millis(over.saturating_mul(bucket))));
        self.threshold = self.threshold_of(config);
    }

    fn close(&mut self, config: &SpikeConfig) {
        let closed = std::mem::take(&mut self.current);
        if closed.spiked {
            self.calm = 0;
            self.spiked += 1;
            if self.spiked == HISTORY {
                *self = Self { began: self.began, ..Self::default() };
            }
            return;
        }
        if self.history.len() == HISTORY {
            self.history.remove(0);
        }
        self.history.push(closed.count);
        self.spiked = 0;
        self.calm = self.calm.saturating_add(1);
        if self.calm >= config.cool_down {
            self.on = false;
        }
    }

    fn threshold_of(&self, config: &SpikeConfig) -> Option<u32> {
        let len = self.history.len();
        if len == 0 || len < config.min_history {
            return None;
        }
        let mut counts = [0_u32; HISTORY];
        let counts = &mut counts[..len];
        counts.copy_from_slice(&self.history);
        let median = median(counts);
        for count in counts.iter_mut() {
            *count = count.abs_diff(median);
        }
        let deviation = (f64::from(self::median(counts)) * 1.4826).max(1.0);
        let over = f64::from(median) + config.deviations * deviation;
        Some(saturating(over).max(config.min_volume.saturating_sub(1)))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float beyond the range becomes the end of the range, which is what is wanted"
)]
fn saturating(value: f64) -> u32 {
    value as u32
}

/// The upper median: of an even number the greater of the two in the middle.
fn median(counts: &mut [u32]) -> u32 {
    counts.sort_unstable();
    counts[counts.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: SpikeConfig = SpikeConfig {
        bucket: Duration::from_mins(1),
        min_history: 10,
        min_volume: 10,
        deviations: 6.0,
        cool_down: 3,
    };

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_millis(n * 60_000)
    }

    fn steady(minutes: i64, per_minute: u64) -> Spike {
        let mut spike = Spike::default();
        for n in 0..minutes {
            assert_eq!(spike.observe(per_minute, minute(n), &CONFIG), Change::None);
        }
        spike
    }

    #[test]
    fn a_steady_count_is_none_and_a_leap_is_one_once() {
        let mut spike = steady(20, 5);
        assert_eq!(spike.observe(11, minute(20), &CONFIG), Change::None);
        assert_eq!(spike.observe(1, minute(20), &CONFIG), Change::Began);
        assert_eq!(spike.observe(100, minute(20), &CONFIG), Change::None);
        assert_eq!(spike.observe(100, minute(21), &CONFIG), Change::None);
        assert!(spike.is_on(minute(21), &CONFIG));
    }

    #[test]
    fn too_little_history_is_no_ground_for_anything() {
        let mut spike = steady(10, 1);
        assert_eq!(spike.observe(1_000, minute(9), &CONFIG), Change::None);
        let mut spike = steady(10, 1);
        assert_eq!(spike.observe(1_000, minute(10), &CONFIG), Change::Began);
    }

    #[test]
    fn a_spike_does_not_become_the_new_normal() {
        let mut spike = steady(20, 5);
        for n in 20..45 {
            spike.observe(200, minute(n), &CONFIG);
            assert!(spike.is_on(minute(n), &CONFIG), "minute {n}");
        }
    }

    #[test]
    fn what_stays_is_the_new_level_in_the_end() {
        let mut spike = steady(20, 5);
        for n in 20..100 {
            spike.observe(200, minute(n), &CONFIG);
        }
        assert!(!spike.is_on(minute(99), &CONFIG));
        assert_eq!(spike.observe(2_000, minute(100), &CONFIG), Change::Began);
    }

    #[test]
    fn it_ends_after_the_calm_and_not_in_a_lull() {
        let mut spike = steady(20, 5);
        spike.observe(100, minute(20), &CONFIG);
        spike.observe(5, minute(21), &CONFIG);
        spike.observe(100, minute(22), &CONFIG);
        assert!(spike.is_on(minute(25), &CONFIG));
        assert!(!spike.is_on(minute(26), &CONFIG));
        assert_eq!(spike.observe(100, minute(26), &CONFIG), Change::Began);
    }

    #[test]
    fn little_volume_is_none_however_rare_it_was() {
        let mut spike = steady(20, 0);
        assert_eq!(spike.observe(9, minute(20), &CONFIG), Change::None);
        assert_eq!(spike.observe(1, minute(20), &CONFIG), Change::Began);
    }

    #[test]
    fn a_clock_that_leaps_or_goes_back_changes_nothing_for_the_worse() {
        let mut spike = steady(20, 5);
        spike.observe(100, minute(20), &CONFIG);
        assert!(spike.is_on(minute(3), &CONFIG));
        assert!(!spike.is_on(Timestamp::MAX, &CONFIG));
        assert_eq!(spike.observe(5, minute(1), &CONFIG), Change::None);
    }
}
