//! The rate of failures over the last flushes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Timestamp;

/// A window of the last flushes: how many failures each delivered, and when.
#[derive(Clone, Debug)]
pub(super) struct Flushes {
    most: usize,
    delivered: VecDeque<(u64, Timestamp)>,
    /// When the flush before the window was, or when it all began: from here on the failures of the
    /// window were gathered.
    since: Timestamp,
}

impl Flushes {
    pub(super) fn new(most: usize) -> Self {
        Self { most, delivered: VecDeque::new(), since: Timestamp::default() }
    }

    pub(super) fn begin(&mut self, now: Timestamp) {
        self.since = now;
    }

    pub(super) fn add(&mut self, failures: u64, now: Timestamp) {
        self.delivered.push_back((failures, now));
        if self.delivered.len() > self.most
            && let Some((_, at)) = self.delivered.pop_front()
        {
            self.since = at;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.delivered.len()
    }

    /// How many failures there were on average in `per`. A window that is shorter counts as one of
    /// `per`, so that the first flush after a start is no leap; one that nothing is added to goes on
    /// getting longer.
    #[expect(clippy::cast_precision_loss, reason = "counts of a window are far below 2^53")]
    pub(super) fn rate(&self, per: Duration, now: Timestamp) -> f64 {
        let failures = self.delivered.iter().fold(0_u64, |sum, (n, _)| sum.saturating_add(*n));
        let window = now.since(self.since).max(per);
        failures as f64 * (per.as_secs_f64() / window.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(n: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + n * 60_000)
    }

    #[test]
    fn it_is_failures_by_the_time_in_which_they_were_gathered() {
        let per = Duration::from_mins(5);
        let mut flushes = Flushes::new(3);
        flushes.begin(minute(0));
        flushes.add(30, minute(1));
        assert!((flushes.rate(per, minute(1)) - 30.0).abs() < 1e-9, "no more than there were");
        for (failures, at) in [(30, 5), (30, 10)] {
            flushes.add(failures, minute(at));
        }
        assert!((flushes.rate(per, minute(10)) - 45.0).abs() < 1e-9, "90 in 10 minutes");
        flushes.add(0, minute(11));
        assert!((flushes.rate(per, minute(11)) - 30.0).abs() < 1e-9, "60 in 10 minutes");
        assert!((flushes.rate(per, minute(61)) - 5.0).abs() < 1e-9, "60 in an hour");
        assert!((flushes.rate(per, minute(-99)) - 60.0).abs() < 1e-9, "a clock that was set back");
    }
}
