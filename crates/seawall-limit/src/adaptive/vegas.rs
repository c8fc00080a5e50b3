use super::Sample;
use super::machine::says_nothing;

/// Keeps a small queue.
///
/// Takes the lowest round-trip of late for the time of a call without a queue, and computes from
/// the latest how many calls must be queued: `queue = limit × (1 − lowest / latest)`. With
/// `unit = max(1, log₁₀ limit)`:
///
/// - lost: `limit − unit`, at most once a round
/// - `queue ≤ unit`: `limit + 6 unit`; `queue < 3 unit`: `limit + unit`
/// - `queue > 6 unit`: `limit − unit`
///
/// It decides once a round, which is as many samples as the limit is, by their mean: samples within
/// a round still show the effect of the limit before.
///
/// The lowest round-trip ever seen is luck where calls differ in size, so the lowest of the last
/// `memory` samples is taken.
///
/// Source: Brakmo, O'Malley, Peterson, "TCP Vegas" (SIGCOMM 1994); the steps are those of Netflix'
/// `concurrency-limits`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vegas {
    memory: u32,
    seen: u32,
    // The lowest of the last full `memory` samples, and of those since then, in nanoseconds.
    before: f64,
    lowest: f64,
    round: Round,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Round {
    samples: u32,
    sum: f64,
    // Whether one of them made use of the limit.
    used: bool,
    lost: bool,
}

impl Default for Vegas {
    /// Remembers the lowest of the last 1,000 to 2,000 samples.
    fn default() -> Self {
        let none = f64::INFINITY;
        Self { memory: 1_000, seen: 0, before: none, lowest: none, round: Round::default() }
    }
}

impl Vegas {
    /// The lowest round-trip is that of the last `memory` to twice as many samples; at least 1.
    #[must_use]
    pub const fn memory(mut self, memory: u32) -> Self {
        self.memory = memory;
        self
    }

    pub(super) const fn parameters(&self) -> u32 {
        self.memory
    }

    pub(super) fn next(&mut self, limit: f64, sample: &Sample) -> f64 {
        let unit = limit.log10().max(1.0);
        self.round.samples += 1;
        if sample.dropped {
            let first = !std::mem::replace(&mut self.round.lost, true);
            self.end_round(limit);
            return if first { limit - unit } else { limit };
        }
        // No call takes no time at all.
        let rtt = (sample.rtt.as_secs_f64() * 1e9).max(1.0);
        self.learn(rtt);
        self.round.sum += rtt;
        self.round.used |= !says_nothing(limit, sample);
        match self.end_round(limit) {
            Some(round) if round.used && !round.lost => self.decide(limit, unit, round),
            _ => limit,
        }
    }

    fn end_round(&mut self, limit: f64) -> Option<Round> {
        let over = f64::from(self.round.samples) >= limit;
        over.then(|| std::mem::take(&mut self.round))
    }

    fn decide(&self, limit: f64, unit: f64, round: Round) -> f64 {
        let mean = round.sum / f64::from(round.samples);
        let queue = limit * (1.0 - self.lowest.min(self.before) / mean);
        if queue > 6.0 * unit {
            limit - unit
        } else if queue >= 3.0 * unit {
            limit
        } else if queue <= unit {
            limit + 6.0 * unit
        } else {
            limit + unit
        }
    }

    fn learn(&mut self, rtt: f64) {
        if self.seen >= self.memory {
            (self.before, self.lowest, self.seen) = (self.lowest, f64::INFINITY, 0);
        }
        self.seen += 1;
        self.lowest = self.lowest.min(rtt);
    }
}
