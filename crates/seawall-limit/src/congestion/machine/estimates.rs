//! What is known of the dependency's speed: times of answers, rates, and how many calls are usual.

use super::super::defaults::{
    HEALTHY_FALL, HEALTHY_RISE, HEDGE_SHARE, HEDGE_STEP, LEAST_WEIGHT, NEEDED_DEVIATIONS,
    OVERTAKEN, TIMES_MEMORY, USUAL_FIRST, USUAL_MEMORY,
};
use super::seconds;

/// The part of the past that is forgotten after `passed` seconds.
fn forgotten(passed: f64, memory: f64) -> f64 {
    1.0 - (-passed / memory).exp()
}

/// The mean of the times of answers and their mean deviation, in seconds, as TCP keeps them for
/// round-trips (Jacobson: "Congestion avoidance and control", 1988).
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    pub(super) mean: f64,
    pub(super) deviation: f64,
    /// The mean in health: follows it down at once and up late.
    pub(super) healthy: f64,
    /// The time that 19 of 20 answers take at most.
    pub(super) most: f64,
    /// How many answers it rests on.
    pub(super) seen: u32,
    last: u64,
}

impl Times {
    pub(super) const fn first(now: u64, took: f64) -> Self {
        let most = took * 2.0;
        Self { mean: took, deviation: took / 2.0, healthy: took, most, seen: 1, last: now }
    }

    /// Learns `count` answers that took `took` on average, of which one took `one`.
    pub(super) fn learn(&mut self, now: u64, took: f64, one: f64, count: u32) {
        let passed = seconds(now.saturating_sub(self.last));
        self.last = self.last.max(now);
        let by_count = 1.0 - (1.0 - LEAST_WEIGHT).powi(count.cast_signed());
        let weight = by_count.max(forgotten(passed, TIMES_MEMORY));
        self.mean += weight * (took - self.mean);
        self.deviation += weight * ((one - self.mean).abs() - self.deviation);
        // A quantile by small steps, up nineteen times as far as down (Robbins, Monro: "A stochastic
        // approximation method", 1951).
        let above = f64::from(u8::from(one > self.most));
        self.most += HEDGE_STEP * self.deviation * (above - (1.0 - HEDGE_SHARE));
        self.seen = self.seen.saturating_add(1);
        let memory = if self.mean < self.healthy { HEALTHY_FALL } else { HEALTHY_RISE };
        self.healthy += (self.mean - self.healthy) * forgotten(passed, memory);
    }

    /// The seconds in which nearly every answer comes.
    pub(super) fn needed(&self) -> f64 {
        self.mean + NEEDED_DEVIATIONS * self.deviation
    }

    /// The seconds after which a later request overtakes one that was sent.
    pub(super) fn overtaken(&self) -> f64 {
        OVERTAKEN[0] * self.mean + OVERTAKEN[1] * self.deviation
    }
}

/// How many times a second something happened of late.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    value: f64,
    last: u64,
    memory: f64,
}

impl Rate {
    /// Over `memory` seconds.
    pub(super) const fn over(memory: f64) -> Self {
        Self { value: 0.0, last: 0, memory }
    }

    pub(super) fn add(&mut self, now: u64, count: u32) {
        self.value = self.at(now) + f64::from(count) / self.memory;
        self.last = self.last.max(now);
    }

    pub(super) fn at(&self, now: u64) -> f64 {
        self.value * (-seconds(now.saturating_sub(self.last)) / self.memory).exp()
    }

    /// What it was when it last changed.
    pub(super) const fn before(&self) -> f64 {
        self.value
    }
}

/// How many requests calls usually find in flight when they come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Usual {
    pub(super) in_flight: f64,
    seen: u32,
    last: u64,
}

impl Usual {
    pub(super) fn see(&mut self, now: u64, in_flight: u32) {
        let weight = if self.seen < USUAL_FIRST {
            self.seen += 1;
            1.0 / f64::from(self.seen)
        } else {
            forgotten(seconds(now.saturating_sub(self.last)), USUAL_MEMORY)
        };
        self.last = self.last.max(now);
        self.in_flight += weight * (f64::from(in_flight) - self.in_flight);
    }

    /// Nothing was learned until `now`.
    pub(super) fn skip(&mut self, now: u64) {
        self.last = self.last.max(now);
    }
}
