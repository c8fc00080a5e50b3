//! How a limit adapts: samples in, a limit out. No lock, no clock.

use std::time::Duration;

use super::deadband::Deadband;
use super::{Aimd, Gradient, Vegas};

/// What one call showed of the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// How long it took.
    pub rtt: Duration,
    /// How many calls were in flight when it started, itself included.
    pub in_flight: u32,
    /// Whether it was lost to overload: it timed out, or the dependency said that it is overloaded.
    pub dropped: bool,
}

/// The bounds of a limit, and its first value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// It never falls below this. At least 1.
    pub min: u32,
    /// It never rises above this.
    pub max: u32,
    /// Its value before the first sample.
    pub initial: u32,
}

/// Which algorithm adapts the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Adaptation {
    /// Additive increase, multiplicative decrease on loss and on slowness.
    Aimd(Aimd),
    /// Keeps a small queue in front of the lowest latency seen.
    Vegas(Vegas),
    /// Follows the ratio of the usual latency to the latest.
    Gradient(Gradient),
}

impl Adaptation {
    fn has_parameters_of(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Aimd(one), Self::Aimd(other)) => one.is_like(other),
            (Self::Vegas(one), Self::Vegas(other)) => one.parameters() == other.parameters(),
            (Self::Gradient(one), Self::Gradient(other)) => one.parameters() == other.parameters(),
            _ => false,
        }
    }
}

/// A limit and the algorithm that adapts it.
///
/// Whatever it is fed, the limit is finite and within its range.
#[derive(Clone, Debug)]
pub struct Adaptive {
    adaptation: Adaptation,
    range: Range,
    limit: f64,
}

impl Adaptive {
    /// A limit that starts at `range.initial` and is adapted by `adaptation`.
    pub fn new(adaptation: Adaptation, range: Range) -> Self {
        Self { adaptation, range, limit: f64::from(range.initial) }
    }

    /// This, with the limit of `before` as far as it is in range; and with what its algorithm has
    /// learned, if it is the same one with the same parameters.
    pub(super) fn in_place_of(self, before: &Self) -> Self {
        let Range { min, max, .. } = self.range;
        let limit = before.limit.clamp(f64::from(min), f64::from(max));
        let same = self.adaptation.has_parameters_of(&before.adaptation);
        let adaptation = if same { before.adaptation } else { self.adaptation };
        Self { adaptation, limit, ..self }
    }

    pub(super) const fn range(&self) -> Range {
        self.range
    }

    /// What it adapts by, in words.
    pub(super) const fn algorithm(&self) -> &'static str {
        match self.adaptation {
            Adaptation::Aimd(_) => "loss and slowness (AIMD)",
            Adaptation::Vegas(_) => "the lowest latency (Vegas)",
            Adaptation::Gradient(_) => "the usual latency (Gradient)",
        }
    }

    /// The limit now.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the range, whose bounds are u32"
    )]
    pub const fn limit(&self) -> u32 {
        self.limit as u32
    }

    /// Records `sample`, and returns the limit that follows from it.
    pub fn observe(&mut self, sample: &Sample) -> u32 {
        let next = match &mut self.adaptation {
            Adaptation::Aimd(algorithm) => algorithm.next(self.limit, sample),
            Adaptation::Vegas(algorithm) => algorithm.next(self.limit, sample),
            Adaptation::Gradient(algorithm) => algorithm.next(self.limit, sample),
        };
        // NaN is no limit: the one before stays.
        if !next.is_nan() {
            self.limit = next.max(f64::from(self.range.min)).min(f64::from(self.range.max));
        }
        self.limit()
    }

    /// Which good samples would change nothing.
    pub(super) fn deadband(&self) -> Deadband {
        match &self.adaptation {
            Adaptation::Aimd(algorithm) => algorithm.deadband(self.limit, self.range),
            // They learn from each sample.
            Adaptation::Vegas(_) | Adaptation::Gradient(_) => Deadband::EMPTY,
        }
    }
}

/// A limit of more than this many times the calls in flight was not what held them back.
pub(super) const UNUSED: f64 = 2.0;

/// Whether a good sample says nothing about the limit, as the limit was not in use.
pub(super) fn says_nothing(limit: f64, sample: &Sample) -> bool {
    f64::from(sample.in_flight) * UNUSED < limit
}
