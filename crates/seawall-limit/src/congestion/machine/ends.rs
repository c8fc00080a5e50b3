//! How requests end, and what that teaches.

use std::cmp::Reverse;

use super::super::defaults::{
    AFTER_ERROR, FAILURES, FAILURES_CERTAIN, FAILURES_UNHEARD, LEARNED, LEAST_LIMIT, LONE,
    LULL_MEMORY, MAX_TOKENS, QUICK_OF_HEALTHY, SILENCE_MEANS, TARGET, TARGET_OF_HEALTHY,
    USUAL_OF_HEALTHY,
};
use super::estimates::Times;
use super::{Down, Machine, Row, Sent, nanos, seconds};

/// Answers that no lock was taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Batch {
    pub(in super::super) count: u32,
    /// The nanoseconds that all of them took.
    pub(in super::super) took: u64,
}

impl Machine {
    /// A request that was granted was not sent.
    pub(in super::super) fn unsent(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// A request ended, and its end says nothing about the dependency.
    pub(in super::super) fn ended(&mut self, sent: Sent) {
        self.in_flight = self.in_flight.saturating_sub(u32::from(sent.counts));
    }

    /// Answers came for which no lock was taken, the last to `sent`. They are out of flight already.
    pub(in super::super) fn learn(&mut self, now: u64, batch: Batch, sent: Sent) {
        self.answers.add(now, batch.count);
        self.calls.add(now, batch.count);
        self.last_answer = now;
        self.latest_answered = self.latest_answered.max(sent.at);
        let total = sent.due.saturating_sub(sent.at).max(1);
        self.see_deadline(total, batch.count);
        self.see_usual(now);
        let average = seconds(batch.took) / f64::from(batch.count.max(1));
        self.succeeded(now, sent, average, batch.count);
        self.tidy(now);
    }

    /// A request was answered, well or with an error.
    pub(in super::super) fn answered(&mut self, now: u64, sent: Sent, good: bool) {
        self.ended(sent);
        let silent = self.is_silent(now, self.last_success, self.mean());
        if good && self.learned >= LEARNED && silent {
            self.standstill_until = now;
            self.learned = 0;
        }
        self.last_answer = now;
        self.answers.add(now, 1);
        self.latest_answered = self.latest_answered.max(sent.at);
        self.overtake_lingering();
        if good {
            self.succeeded(now, sent, seconds(now.saturating_sub(sent.at)), 1);
        } else {
            self.failed(now, sent);
        }
        self.tidy(now);
    }

    /// A request was given up, at its deadline or before.
    pub(in super::super) fn cut(&mut self, now: u64, sent: Sent) {
        let had_time = seconds(sent.due.saturating_sub(sent.at)) >= self.needed();
        if now >= sent.due && had_time {
            self.count_failure(now, sent);
        }
        if sent.counts {
            // The dependency may still work on it. Its place counts for as long again.
            let ran = now.saturating_sub(sent.at);
            self.lingering.push(Reverse((now.saturating_add(ran), sent.at)));
        }
        self.tidy(now);
    }

    /// An answer goes on to arrive.
    pub(in super::super) fn stream_begins(&mut self, now: u64) {
        self.streams.begin(now);
    }

    /// It ended, and says nothing about the dependency.
    pub(in super::super) const fn stream_ended(&mut self) {
        self.streams.ended();
    }

    /// It ended well, and kept its reader waiting for `waited` nanoseconds.
    pub(in super::super) fn stream_completed(&mut self, now: u64, waited: u64) {
        let target = TARGET * seconds(self.deadline);
        self.streams.completed(now, seconds(waited), target, TARGET_OF_HEALTHY);
    }

    /// It broke: one failure more. Its request was sent at `at`.
    pub(in super::super) fn stream_failed(&mut self, now: u64, at: u64) {
        self.streams.ended();
        self.failed(now, Sent { at, due: u64::MAX, counts: false });
    }

    /// Whether a request that is under way was lost: one that was sent much later is answered. It
    /// counts as in flight no more.
    pub(in super::super) fn is_lost(&mut self, now: u64, sent: &mut Sent) -> bool {
        let overtaken = self.overtaken_by(sent.at) < self.latest_answered;
        if overtaken && sent.counts {
            self.in_flight = self.in_flight.saturating_sub(1);
            sent.counts = false;
        }
        overtaken || self.is_alone_for_long(now, sent)
    }

    /// Whether a request that is nearly alone took so long that it counts as lost, though nothing will
    /// ever show it. Only after a success: a dependency that is slow is not sent more.
    fn is_alone_for_long(&self, now: u64, sent: &Sent) -> bool {
        let took = now.saturating_sub(sent.at);
        let deadline = self.deadline.min(sent.due.saturating_sub(sent.at));
        let late = self.times.is_none() || now >= self.overtaken_by(sent.at);
        self.row.is_none()
            && self.in_flight <= 2
            && self.last_answer <= sent.at
            && late
            && seconds(took) >= LONE * seconds(deadline)
    }

    /// A request that was sent at `at` is overtaken by one that was sent after that.
    pub(in super::super) fn overtaken_by(&self, at: u64) -> u64 {
        self.times.map_or(u64::MAX, |times| at.saturating_add(nanos(times.overtaken()).max(1)))
    }

    fn overtake_lingering(&mut self) {
        let (Some(times), false) = (self.times, self.lingering.is_empty()) else { return };
        let (later, latest) = (nanos(times.overtaken()), self.latest_answered);
        let before = self.lingering.len();
        self.lingering.retain(|Reverse((_, at))| at.saturating_add(later) >= latest);
        let gone = u32::try_from(before - self.lingering.len()).unwrap_or(u32::MAX);
        self.in_flight = self.in_flight.saturating_sub(gone);
    }

    fn succeeded(&mut self, now: u64, sent: Sent, took: f64, count: u32) {
        // After a standstill all that waited is answered at once, which says nothing.
        let stood_still = sent.at < self.standstill_until
            && now <= self.standstill_until.saturating_add(nanos(SILENCE_MEANS * self.mean()));
        let one = seconds(now.saturating_sub(sent.at));
        match &mut self.times {
            None => self.times = Some(Times::first(now, took)),
            Some(_) if stood_still => {}
            Some(times) => {
                self.learned = self.learned.saturating_add(count);
                times.learn(now, took, one, count);
            }
        }
        self.successes.add(now, count);
        self.last_success = now;
        self.tokens = self.tokens.saturating_add(count).min(MAX_TOKENS);
        self.row = None;
        if self.down.take().is_some() {
            self.limit = self.least_limit();
        }
        self.adapt(now, count);
    }

    /// By Little's law: what is answered in the target time is in flight, and no more.
    fn adapt(&mut self, now: u64, count: u32) {
        let (mean, target) = (self.mean(), self.target());
        if mean > target {
            self.limit = self.floor().max(self.limit.min(self.successes.at(now) * target));
        } else if !self.waiters.is_empty() || self.limit < LEAST_LIMIT {
            let quick = (target / 2.0).max(QUICK_OF_HEALTHY * self.healthy());
            let slowly = mean > quick || self.failed_lately(now);
            let step = if slowly { 1.0 / self.limit.max(1.0) } else { 1.0 };
            self.limit += f64::from(count) * step;
        }
    }

    fn failed(&mut self, now: u64, sent: Sent) {
        let least = self.least_limit();
        if self.limit > least {
            self.limit = (self.limit * AFTER_ERROR).max(least);
        }
        self.count_failure(now, sent);
    }

    fn count_failure(&mut self, now: u64, sent: Sent) {
        self.last_error = Some(now);
        match &mut self.row {
            None => self.row = Some(Row { first: now, count: 1 }),
            Some(row) if sent.at >= row.first => row.count = row.count.saturating_add(1),
            Some(_) => {}
        }
        if self.down.is_none()
            && let Some(limit) = self.failures_of_an_outage(now)
        {
            self.down = Some(Down { since: now, limit });
            self.last_probe = now;
        }
    }

    /// The number of failures that makes what happens an outage.
    fn failures_of_an_outage(&self, now: u64) -> Option<u32> {
        let row = self.row?;
        let unheard = self.last_answer < row.first;
        let enough = if unheard { FAILURES_UNHEARD } else { FAILURES };
        if row.count >= enough && self.is_silent(now, self.last_success, self.healthy()) {
            return Some(enough);
        }
        (row.count >= FAILURES_CERTAIN).then_some(FAILURES_CERTAIN)
    }

    /// `count` calls came of late; the last of them has `total` nanoseconds.
    pub(super) fn see_deadline(&mut self, total: u64, count: u32) {
        let rise = self.deadline / 1_000 * u64::from(count.min(1_000));
        self.deadline = total.min(self.deadline.saturating_add(rise));
    }

    pub(super) fn see_usual(&mut self, now: u64) {
        let slow = self.target().min(USUAL_OF_HEALTHY * self.healthy());
        let healthy = self.waiters.is_empty()
            && self.down.is_none()
            && !self.failed_lately(now)
            && self.mean() <= slow;
        if healthy {
            self.usual.see(now, self.in_flight);
        } else {
            self.usual.skip(now);
        }
    }

    /// Forgets what time has settled: places of requests that were given up, and a limit that is not
    /// used.
    pub(in super::super) fn tidy(&mut self, now: u64) {
        while let Some(Reverse((until, _))) = self.lingering.peek()
            && *until <= now
        {
            self.lingering.pop();
            self.in_flight = self.in_flight.saturating_sub(1);
        }
        let passed = seconds(now.saturating_sub(self.tidied));
        self.tidied = self.tidied.max(now);
        if self.times.is_none() || f64::from(self.in_flight) >= self.limit / 2.0 {
            return;
        }
        let least = (2.0 * self.successes.at(now) * self.target()).max(self.least_limit());
        if self.limit > least {
            self.limit = least + (self.limit - least) * (-passed / LULL_MEMORY).exp();
        }
    }
}
