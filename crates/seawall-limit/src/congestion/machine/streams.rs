//! Answers that go on to arrive after their call has ended: bodies, streams.
//!
//! Their places are counted apart from those of requests, because a stream may be open for hours and a
//! request may not. So each limit compares like with like: requests by the time to the answer, streams
//! by the time that they kept their readers waiting. As long as that is short there is no limit.

use super::super::defaults::{FLOOR, LEAST_LIMIT, RATE_MEMORY};
use super::estimates::{Rate, Times, Usual};

#[derive(Debug)]
pub(super) struct Streams {
    open: u32,
    times: Option<Times>,
    ends: Rate,
    usual: Usual,
    /// `None` while there is no reason for one.
    limit: Option<f64>,
}

impl Default for Streams {
    fn default() -> Self {
        let ends = Rate::over(RATE_MEMORY);
        Self { open: 0, times: None, ends, usual: Usual::default(), limit: None }
    }
}

impl Streams {
    /// One begins.
    pub(super) fn begin(&mut self, now: u64) {
        if self.limit.is_none() {
            self.usual.see(now, self.open);
        } else {
            self.usual.skip(now);
        }
        self.open = self.open.saturating_add(1);
    }

    /// One ended, and says nothing about the dependency.
    pub(super) const fn ended(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// One ended well, and kept its reader waiting for `waited` seconds; `target` is what answers
    /// may take.
    pub(super) fn completed(&mut self, now: u64, waited: f64, target: f64, of_healthy: f64) {
        self.ended();
        self.ends.add(now, 1);
        match &mut self.times {
            None => self.times = Some(Times::first(now, waited)),
            Some(times) => times.learn(now, waited, waited, 1),
        }
        let (mean, healthy) = self.times.map_or((0.0, 0.0), |times| (times.mean, times.healthy));
        let target = target.max(of_healthy * healthy);
        // Little's law, as for requests.
        self.limit = (mean > target).then(|| {
            let answered = self.limit.unwrap_or(f64::INFINITY).min(self.ends.at(now) * target);
            answered.max(FLOOR * self.usual.in_flight).max(LEAST_LIMIT)
        });
    }

    pub(super) fn has_room(&self) -> bool {
        self.limit.is_none_or(|limit| f64::from(self.open) < limit)
    }

    pub(super) const fn is_limited(&self) -> bool {
        self.limit.is_some()
    }

    pub(super) const fn open(&self) -> u32 {
        self.open
    }
}
