//! How long answers take, and which callers had too little time for one.

/// The mean time of recent answers and their mean deviation from it, in nanoseconds; 0 before the
/// first. The weights are those of TCP's round-trip estimate (RFC 6298).
#[derive(Clone, Copy, Debug)]
pub(super) struct Usual {
    mean: u64,
    deviation: u64,
}

/// A recent answer has an eighth of the weight of the mean, and a quarter of that of the deviation.
const MEAN_WEIGHT: u64 = 8;
const DEVIATION_WEIGHT: u64 = 4;

impl Usual {
    pub(super) const UNKNOWN: Self = Self { mean: 0, deviation: 0 };

    pub(super) const fn learn(&mut self, took: u64) {
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

    pub(super) const fn is_known(self) -> bool {
        self.mean > 0
    }

    /// Whether a caller that waited for `patience` could not expect an answer. 0 is not known.
    pub(super) const fn exceeds(self, patience: u64) -> bool {
        patience > 0 && patience < self.mean.saturating_add(self.deviation)
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
        let mut usual = Usual::UNKNOWN;
        assert!(!usual.exceeds(1), "nothing is known yet");
        usual.learn(800);
        assert!(usual.exceeds(799) && !usual.exceeds(800) && !usual.exceeds(0));
        usual.learn(1_600);
        assert_eq!((usual.mean, usual.deviation), (900, 200));
        usual.learn(100);
        assert_eq!((usual.mean, usual.deviation), (800, 350));
        for _ in 0..100 {
            usual.learn(u64::MAX);
        }
        assert!(usual.exceeds(u64::MAX - 1));
    }
}
