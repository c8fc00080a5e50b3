use super::Sample;
use super::machine::says_nothing;

/// Follows the ratio of the usual round-trip to the latest.
///
/// `gradient = clamp(tolerance × usual / latest, ½, 1)` and
/// `limit ← limit × (1 − s) + (limit × gradient + room) × s` with a smoothing `s` of 0.2. The usual
/// round-trip is an exponential average over 600 samples; while it is more than twice the latest,
/// it shrinks by 5 % a sample, so that a limit recovers from a slow time. A lost sample counts as a
/// gradient of ½.
///
/// Source: Netflix' `concurrency-limits`, `Gradient2Limit`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradient {
    tolerance: f64,
    room: f64,
    usual: f64,
    samples: u32,
}

const WINDOW: f64 = 600.0;
const SMOOTHING: f64 = 0.2;

impl Default for Gradient {
    /// Tolerates 1.5 times the usual round-trip and leaves room for 4 calls.
    fn default() -> Self {
        Self { tolerance: 1.5, room: 4.0, usual: 0.0, samples: 0 }
    }
}

impl Gradient {
    /// How much longer than usual calls may take before the limit falls; at least 1.
    #[must_use]
    pub const fn tolerance(mut self, tolerance: f64) -> Self {
        self.tolerance = tolerance;
        self
    }

    /// How many calls may queue at the dependency when the limit is at rest.
    #[must_use]
    pub const fn room(mut self, room: f64) -> Self {
        self.room = room;
        self
    }

    pub(super) const fn parameters(&self) -> (f64, f64) {
        (self.tolerance, self.room)
    }

    pub(super) fn next(&mut self, limit: f64, sample: &Sample) -> f64 {
        let gradient = if sample.dropped {
            0.5
        } else {
            let latest = sample.rtt.as_secs_f64().max(1e-9);
            self.learn(latest);
            if says_nothing(limit, sample) {
                return limit;
            }
            (self.tolerance * self.usual / latest).clamp(0.5, 1.0)
        };
        let room = if sample.dropped { 0.0 } else { self.room };
        limit * (1.0 - SMOOTHING) + (limit * gradient + room) * SMOOTHING
    }

    fn learn(&mut self, latest: f64) {
        // The mean of all samples, until there is a window of them.
        self.samples = self.samples.saturating_add(1);
        let weight = (1.0 / f64::from(self.samples)).max(2.0 / (WINDOW + 1.0));
        self.usual += (latest - self.usual) * weight;
        if self.usual > 2.0 * latest {
            self.usual *= 0.95;
        }
    }
}
