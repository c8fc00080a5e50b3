//! The outcomes of a run's calls, counted as they end: memory does not grow with calls.

use crate::figures::Figures;
use crate::histogram::Histogram;
use crate::scenario::Scenario;
use crate::time::{MILLISECOND, Nanos, SECOND, nanos, seconds};
use crate::world::Tally;

/// What a call ended in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Answered by the servers.
    Answered,
    /// Answered by a fallback.
    Substituted,
    /// Refused by a policy; nothing of it was ever sent.
    Refused,
    Failed,
}

/// A call that is over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ended {
    pub(crate) at: Nanos,
    pub(crate) deadline: Nanos,
    pub(crate) until: Nanos,
    pub(crate) outcome: Outcome,
    pub(crate) requests: u32,
    /// Calls per second when it was made; 0 where that follows from the users.
    pub(crate) rate: f64,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    calls: u64,
    answered: u64,
    refused: u64,
    substituted: u64,
    requests: u64,
    /// Seconds of load, where the rate is known.
    lost: f64,
}

/// Calls that were made in the same slice of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) calls: u32,
    pub(crate) answered: u32,
    pub(crate) requests: u32,
}

#[derive(Debug)]
pub(crate) struct Record {
    from: Nanos,
    until: Nanos,
    watched: Nanos,
    pub(crate) slice: Nanos,
    pub(crate) slices: Vec<Slice>,
    /// Slices after the trouble, which begin with its end.
    returning: Vec<Slice>,
    returning_slice: Nanos,
    made_before: u64,
    health: Sums,
    cold: Sums,
    during: Sums,
    after: Sums,
    answered: Histogram,
    refused: Histogram,
}

/// The least slice of time in which goodput is looked at.
const SLICE: Nanos = 250 * MILLISECOND;
/// A slice has this many calls on average, so that chance alone does not make a bad one.
const CALLS_IN_A_SLICE: f64 = 40.0;
/// No run has more slices.
const SLICES: u64 = 2_000;
/// This share of calls answered is full goodput.
const FULL: f64 = 0.9;

impl Record {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let (from, until) = scenario.trouble();
        let end = scenario.end();
        let rate = scenario.load.rate(from);
        let enough = if rate > 0.0 { nanos(CALLS_IN_A_SLICE / rate) } else { SECOND };
        // Whole multiples, so that slices end where faults mostly begin.
        let slice = (end / SLICES).max(enough.min(end / 20)).max(1).next_multiple_of(SLICE);
        Self {
            from,
            until,
            watched: end,
            slice,
            slices: Vec::new(),
            returning: Vec::new(),
            returning_slice: SLICE.max(enough),
            made_before: 0,
            health: Sums::default(),
            cold: Sums::default(),
            during: Sums::default(),
            after: Sums::default(),
            answered: Histogram::default(),
            refused: Histogram::default(),
        }
    }

    pub(crate) fn add(&mut self, call: Ended) {
        let in_time = call.until <= call.deadline;
        let good = call.outcome == Outcome::Answered && in_time;
        let refused = call.outcome == Outcome::Refused;
        count(&mut self.slices, call.at / self.slice, good, call.requests);
        if call.at >= self.until {
            let index = (call.at - self.until) / self.returning_slice;
            count(&mut self.returning, index, good, call.requests);
        }
        let over = call.deadline.min(call.until);
        let counted_until = self.until.saturating_add(Scenario::COUNTED_AFTER);
        if call.at < SECOND && over <= self.from {
            self.cold.add(call, good);
        }
        if call.at < self.from {
            self.made_before += 1;
            // Those that the fault met under way were not in health.
            if over <= self.from {
                self.health.add(call, good);
            }
        } else if call.at < self.until {
            self.during.add(call, good);
        } else if call.at < counted_until {
            self.after.add(call, good);
        }
        if (self.from..counted_until).contains(&call.at) {
            if good {
                self.answered.add(call.until - call.at);
            } else if refused {
                self.refused.add(call.until - call.at);
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts below 2^53")]
    pub(crate) fn figures(&self, tally: &Tally, open: f64) -> Figures {
        let (during, after, health) = (&self.during, &self.after, &self.health);
        let calls = during.calls + after.calls;
        let missed = calls - during.answered - after.answered;
        let healthy_rate = self.made_before as f64 / seconds(self.from.max(1));
        let mut loss = during.lost + after.lost;
        if loss <= 0.0 {
            // Users that wait for answers: at the rate that they had in health.
            loss = missed as f64 / healthy_rate.max(1e-9);
        }
        let (recovery, metastable) = self.recovery();
        let ratio = |part: u64, all: u64| if all == 0 { 0.0 } else { part as f64 / all as f64 };
        Figures {
            loss,
            recovery,
            metastable: f64::from(u8::from(metastable)),
            goodput_during: ratio(during.answered, during.calls),
            goodput_after: ratio(after.answered, after.calls),
            amplification: ratio(during.requests + after.requests, calls),
            amplification_during: ratio(during.requests, during.calls),
            amplification_after: ratio(after.requests, after.calls),
            wasted: ratio(tally.wasted, tally.worked),
            refused: (during.refused + after.refused) as f64,
            refused_p99: self.refused.quantile(0.99),
            calls_in_health: health.calls as f64,
            refused_in_health: health.refused as f64,
            lost_in_health: ratio(health.calls - health.answered, health.calls),
            lost_at_cold_start: ratio(self.cold.calls - self.cold.answered, self.cold.calls),
            latency_p50: self.answered.quantile(0.5),
            latency_p99: self.answered.quantile(0.99),
            substituted: (during.substituted + after.substituted) as f64,
            calls: calls as f64,
            open,
        }
    }

    /// When goodput was full for good, and whether it never was.
    fn recovery(&self) -> (f64, bool) {
        if self.returning.is_empty() {
            return (0.0, false);
        }
        let full = |slices: &[Slice]| {
            let sum = |of: fn(&Slice) -> u32| slices.iter().map(|s| f64::from(of(s))).sum::<f64>();
            sum(|slice| slice.answered) >= FULL * sum(|slice| slice.calls)
        };
        // The slice in which the run ends is not full of calls.
        let whole = ((self.watched - self.until) / self.returning_slice).max(1);
        let whole = usize::try_from(whole).unwrap_or(usize::MAX).min(self.returning.len());
        let slices = &self.returning[..whole];
        let bad = slices.iter().rposition(|slice| !full(std::slice::from_ref(slice)));
        let end = slices.len() - slices.len().div_ceil(4);
        if bad == Some(slices.len() - 1) && !full(&slices[end..]) {
            return (f64::INFINITY, true);
        }
        let returned = bad.map_or(0, |index| index as u64 + 1);
        (seconds(returned * self.returning_slice), false)
    }
}

impl Sums {
    fn add(&mut self, call: Ended, good: bool) {
        self.calls += 1;
        self.requests += u64::from(call.requests);
        self.answered += u64::from(good);
        self.refused += u64::from(call.outcome == Outcome::Refused);
        self.substituted += u64::from(call.outcome == Outcome::Substituted);
        if !good && call.rate > 0.0 {
            self.lost += 1.0 / call.rate;
        }
    }
}

fn count(slices: &mut Vec<Slice>, index: u64, good: bool, requests: u32) {
    let index = usize::try_from(index).unwrap_or(usize::MAX);
    if index >= slices.len() {
        slices.resize(index + 1, Slice::default());
    }
    slices[index].calls += 1;
    slices[index].answered += u32::from(good);
    slices[index].requests += requests;
}
