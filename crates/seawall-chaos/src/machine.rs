//! Which attempts get which fault: a function of the seed and the attempt's number.

use std::ops::Range;
use std::time::Duration;

/// What happens to an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// It starts this much later.
    Latency(Duration),
    /// It fails, without having been started.
    Error,
    /// It has another outcome, without having been started.
    Outcome,
    /// It panics, without having been started.
    Panic,
    /// It is never started and never over.
    Never,
}

impl Fault {
    /// The fault as a word, for metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Latency(_) => "latency",
            Self::Error => "error",
            Self::Outcome => "outcome",
            Self::Panic => "panic",
            Self::Never => "never",
        }
    }
}

/// The shares of all candidates that get each fault.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Shares {
    pub(crate) latency: f64,
    pub(crate) delays: Range<Duration>,
    pub(crate) error: f64,
    pub(crate) outcome: f64,
    pub(crate) panic: f64,
    pub(crate) never: f64,
    /// The share of those that would get one and are only counted.
    pub(crate) control: f64,
}

impl Default for Shares {
    fn default() -> Self {
        let delays = Duration::ZERO..Duration::ZERO;
        Self {
            latency: 0.0,
            delays,
            error: 0.0,
            outcome: 0.0,
            panic: 0.0,
            never: 0.0,
            control: 0.0,
        }
    }
}

impl Shares {
    pub(crate) fn sum(&self) -> f64 {
        self.latency + self.error + self.outcome + self.panic + self.never
    }

    /// The fault of attempt `number`: one draw decides among all, so that a share is one of all
    /// candidates and not of those that another fault left over.
    pub(crate) fn draw(&self, seed: u64, number: u64) -> Option<Fault> {
        let mut drawn = unit(seed, number, 1);
        let delay = || self.delay(unit(seed, number, 2));
        let parts = [
            (self.latency, Fault::Latency(Duration::ZERO)),
            (self.error, Fault::Error),
            (self.outcome, Fault::Outcome),
            (self.panic, Fault::Panic),
            (self.never, Fault::Never),
        ];
        for (share, fault) in parts {
            if drawn < share {
                let late = matches!(fault, Fault::Latency(_));
                return Some(if late { Fault::Latency(delay()) } else { fault });
            }
            drawn -= share;
        }
        None
    }

    /// Whether attempt `number` is of the control group.
    pub(crate) fn is_control(&self, seed: u64, number: u64) -> bool {
        unit(seed, number, 3) < self.control
    }

    fn delay(&self, drawn: f64) -> Duration {
        let width = self.delays.end.saturating_sub(self.delays.start);
        self.delays.start + width.mul_f64(drawn)
    }
}

/// At least 0 and below 1.
#[expect(clippy::cast_precision_loss, reason = "53 bits fit")]
fn unit(seed: u64, number: u64, stream: u64) -> f64 {
    let key = mix(mix(seed).wrapping_add(stream));
    (mix(key ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finaliser of `SplitMix64`.
const fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_of_all_candidates() {
        let ms = Duration::from_millis;
        let shares = Shares {
            latency: 0.1,
            delays: ms(100)..ms(200),
            error: 0.02,
            panic: 0.001,
            ..Shares::default()
        };
        let (mut late, mut failed, mut panicked) = (0_u32, 0_u32, 0_u32);
        for number in 0..1_000_000 {
            match shares.draw(7, number) {
                Some(Fault::Latency(delay)) => {
                    assert!((ms(100)..ms(200)).contains(&delay));
                    late += 1;
                }
                Some(Fault::Error) => failed += 1,
                Some(Fault::Panic) => panicked += 1,
                other => assert_eq!(other, None),
            }
        }
        // Three standard deviations.
        assert!(late.abs_diff(100_000) < 900, "{late}");
        assert!(failed.abs_diff(20_000) < 420, "{failed}");
        assert!(panicked.abs_diff(1_000) < 95, "{panicked}");
    }

    #[test]
    fn a_seed_is_a_sequence_of_its_own() {
        let shares = Shares { error: 0.5, ..Shares::default() };
        let drawn = |seed| (0..64).map(|n| shares.draw(seed, n)).collect::<Vec<_>>();
        assert_eq!(drawn(7), drawn(7));
        assert_ne!(drawn(7), drawn(8));
    }
}
