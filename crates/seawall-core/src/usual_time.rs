//! How long answers take, and which callers had too little time for one.

use std::time::Duration;

/// Tells callers that had too little time from a dependency that hangs. Times are nanoseconds.
///
/// Holds the mean time of recent answers and their mean deviation from it, with the weights of TCP's
/// round-trip estimate (RFC 6298). A call that its caller cut off before their sum was over says
/// nothing about the dependency, unless nothing else was answered for [`MAX_SILENCE`](Self::MAX_SILENCE).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UsualTime {
    /// 0 before the first answer.
    mean: u64,
    deviation: u64,
    /// When a caller first went away that had too little time, since the last answer.
    silent_since: Option<u64>,
}

/// A recent answer has an eighth of the weight of the mean, and a quarter of that of the deviation.
const MEAN_WEIGHT: u64 = 8;
const DEVIATION_WEIGHT: u64 = 4;

impl UsualTime {
    /// Before the first answer.
    pub const UNKNOWN: Self = Self { mean: 0, deviation: 0, silent_since: None };

    /// After a second in which only callers with too little time went away and nothing was answered,
    /// their calls count. A dependency that answers anybody does so within a second; one that hangs
    /// is noticed soon.
    pub const MAX_SILENCE: Duration = Duration::from_secs(1);

    /// An answer took `took`.
    pub const fn learn(&mut self, took: u64) {
        // No answer takes no time at all.
        let took = if took > 0 { took } else { 1 };
        if !self.is_known() {
            self.mean = took;
            return;
        }
        let differs_by = self.mean.abs_diff(took);
        self.mean = toward(self.mean, took, MEAN_WEIGHT);
        self.deviation = toward(self.deviation, differs_by, DEVIATION_WEIGHT);
    }

    /// Whether there was an answer to learn from.
    pub const fn is_known(&self) -> bool {
        self.mean > 0
    }

    /// The mean time of recent answers.
    pub const fn mean(&self) -> Option<Duration> {
        if self.is_known() { Some(Duration::from_nanos(self.mean)) } else { None }
    }

    /// Whether a caller that waited for `patience` could not expect an answer. 0 is not known.
    pub const fn exceeds(&self, patience: u64) -> bool {
        patience > 0 && patience < self.mean.saturating_add(self.deviation)
    }

    /// Whether only callers with too little time have gone away for so long, and nothing was answered,
    /// that the dependency may be the reason. Called when one of them goes.
    pub fn is_silent(&mut self, now: u64) -> bool {
        const LONGEST: u64 = UsualTime::MAX_SILENCE.as_secs() * 1_000_000_000;
        let since = *self.silent_since.get_or_insert(now);
        now.saturating_sub(since) >= LONGEST
    }

    /// Something was answered.
    pub const fn end_silence(&mut self) {
        self.silent_since = None;
    }

    /// Whether a caller with too little time went away since the last answer.
    pub const fn in_silence(&self) -> bool {
        self.silent_since.is_some()
    }
}

const fn toward(from: u64, to: u64, weight: u64) -> u64 {
    if to >= from { from + (to - from) / weight } else { from - (from - to) / weight }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_and_the_deviation_follow_the_answers() {
        let mut usual = UsualTime::UNKNOWN;
        assert!(!usual.exceeds(1) && usual.mean().is_none(), "nothing is known yet");
        usual.learn(800);
        assert!(usual.exceeds(799) && !usual.exceeds(800) && !usual.exceeds(0));
        usual.learn(1_600);
        assert_eq!((usual.mean, usual.deviation), (900, 200));
        usual.learn(100);
        assert_eq!((usual.mean, usual.deviation), (800, 350));
        assert_eq!(usual.mean(), Some(Duration::from_nanos(800)));
        for _ in 0..100 {
            usual.learn(u64::MAX);
        }
        assert!(usual.exceeds(u64::MAX - 1));
    }

    #[test]
    fn a_silence_begins_with_the_first_caller_that_goes_and_ends_with_an_answer() {
        let longest = 1_000_000_000;
        let mut usual = UsualTime::UNKNOWN;
        assert!(!usual.in_silence());
        assert!(!usual.is_silent(7) && usual.in_silence());
        assert!(!usual.is_silent(longest + 6) && usual.is_silent(longest + 7));
        usual.end_silence();
        assert!(!usual.is_silent(longest + 8) && usual.is_silent(2 * longest + 8));
    }
}
