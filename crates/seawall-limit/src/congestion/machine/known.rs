//! What follows from what is known.

use super::super::defaults::{
    ERROR_MEMORY, FLOOR, HEDGE_SAMPLES, HEDGE_UNKNOWN, LARGEST_NEED, LARGEST_TARGET, LAST_CHANCE,
    LEAST_LIMIT, LEAST_TARGET_OF_HEALTHY, LONGEST_PROBE, PROBE, PROBE_CALLS, PROBE_DEADLINES,
    SILENCE, SILENCE_ANSWERS, SILENCE_MEANS, TARGET, TARGET_OF_HEALTHY,
};
use super::{Machine, nanos, seconds};

impl Machine {
    pub(super) fn mean(&self) -> f64 {
        self.times.map_or(0.0, |times| times.mean)
    }

    /// The seconds that an answer takes in health.
    pub(super) fn healthy(&self) -> f64 {
        self.times.map_or(0.0, |times| times.healthy)
    }

    /// The seconds that are left to a request.
    pub(super) fn needed(&self) -> f64 {
        let usual = self.times.map_or(0.0, |times| times.needed());
        usual.min(seconds(self.deadline) * LARGEST_NEED)
    }

    /// A call that is due then has to have started by now: answers take longer even in health.
    pub(in super::super) fn latest_start(&self, due: u64) -> u64 {
        due.saturating_sub(nanos(self.healthy()).max(1))
    }

    /// The seconds that answers may take at the dependency.
    pub(super) fn target(&self) -> f64 {
        let (deadline, healthy) = (seconds(self.deadline), self.healthy());
        let largest = (LARGEST_TARGET * deadline).max(LEAST_TARGET_OF_HEALTHY * healthy);
        (TARGET * deadline).max(TARGET_OF_HEALTHY * healthy).min(largest)
    }

    /// When a second request follows one that was sent at `at`, if it is to be hedged.
    pub(in super::super) fn hedge_at(&self, at: u64) -> u64 {
        let known = self.times.filter(|times| times.seen >= HEDGE_SAMPLES);
        let after = known.map_or(HEDGE_UNKNOWN.as_secs_f64(), |times| times.most);
        at.saturating_add(nanos(after).max(1))
    }

    /// What is in flight in health, and some more.
    pub(super) fn floor(&self) -> f64 {
        FLOOR * self.usual.in_flight
    }

    /// What neither errors nor a lull take from the limit.
    pub(super) fn least_limit(&self) -> f64 {
        self.floor().max(LEAST_LIMIT)
    }

    /// The nanoseconds before a call is due in which it repeats a request though nothing succeeds.
    pub(super) fn last_chance(&self) -> u64 {
        nanos(LAST_CHANCE * seconds(self.deadline))
    }

    /// Whether answers that take `took` seconds would have come since then.
    pub(super) fn is_silent(&self, now: u64, since: u64, took: f64) -> bool {
        seconds(now.saturating_sub(since)) >= self.silence(took)
    }

    /// The seconds without an answer that are a silence, where an answer takes `took`.
    pub(super) fn silence(&self, took: f64) -> f64 {
        let rate = self.answers.before();
        // Before the first answer only the deadline shows how long they may take.
        let answers =
            if rate > 0.0 { SILENCE_ANSWERS / rate } else { seconds(self.deadline) * PROBE };
        SILENCE.max(SILENCE_MEANS * took).max(answers)
    }

    /// The nanoseconds between two probes.
    pub(super) fn probe_interval(&self) -> u64 {
        let deadline = seconds(self.deadline);
        let shortest = (deadline * PROBE).min(LONGEST_PROBE);
        let calls = PROBE_CALLS / self.calls.before().max(f64::MIN_POSITIVE);
        nanos(shortest.max(calls.min(deadline * PROBE_DEADLINES)))
    }

    pub(super) fn failed_lately(&self, now: u64) -> bool {
        self.last_error.is_some_and(|at| seconds(now.saturating_sub(at)) < ERROR_MEMORY)
    }

    pub(in super::super) const fn set_in_flight(&mut self, in_flight: u32) {
        self.in_flight = in_flight;
    }

    pub(in super::super) const fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Answers that still arrive.
    pub(in super::super) const fn streams(&self) -> u32 {
        self.streams.open()
    }

    pub(in super::super) const fn limit(&self) -> f64 {
        self.limit
    }

    /// The shortest deadline of late, in nanoseconds.
    pub(in super::super) const fn deadline(&self) -> u64 {
        self.deadline
    }

    pub(in super::super) fn waiting(&self) -> usize {
        self.waiters.len()
    }

    pub(in super::super) fn lingering(&self) -> usize {
        self.lingering.len()
    }

    pub(in super::super) fn failures(&self) -> u32 {
        self.row.map_or(0, |row| row.count)
    }

    pub(in super::super) const fn is_down(&self) -> bool {
        self.down.is_some()
    }

    pub(in super::super) const fn tokens(&self) -> u32 {
        self.tokens
    }

    pub(in super::super) const fn refused(&self) -> u64 {
        self.refused
    }
}
