//! The sliding log: the time at which each permit of the last period was taken.

use std::collections::VecDeque;

use super::quota::Quota;

/// Exact, at eight bytes a permit: no window of one period, wherever it starts, holds more than
/// the quota.
#[derive(Clone, Debug)]
pub(crate) struct SlidingLog {
    quota: Quota,
    // Oldest first; at most the quota.
    taken: VecDeque<u64>,
    latest: u64,
}

impl SlidingLog {
    /// The largest quota: eight megabytes.
    pub(crate) const MAX_PERMITS: u64 = 1_000_000;

    pub(crate) const fn new(quota: Quota) -> Self {
        Self { quota, taken: VecDeque::new(), latest: 0 }
    }

    /// How many permits the window at `now` has room for.
    pub(crate) fn available(&mut self, now: u64) -> u64 {
        // A clock that goes back removes no permit and adds none before those that are there.
        self.latest = self.latest.max(now);
        while self.taken.front().is_some_and(|&at| self.leaves(at) <= self.latest) {
            self.taken.pop_front();
        }
        self.quota.permits.saturating_sub(self.len())
    }

    pub(crate) fn take(&mut self, now: u64, permits: u64) -> Result<(), u64> {
        if permits > self.available(now) {
            return Err(self.due(now, 0, permits).saturating_sub(now));
        }
        self.taken.extend((0..permits).map(|_| self.latest));
        Ok(())
    }

    const fn leaves(&self, at: u64) -> u64 {
        at.saturating_add(self.quota.period)
    }

    fn len(&self) -> u64 {
        self.taken.len() as u64
    }

    /// The n-th permit from now is granted a period after the one that is a quota before it: counts
    /// back by quotas to a permit that is known.
    pub(crate) fn due(&mut self, now: u64, ahead: u64, permits: u64) -> u64 {
        self.available(now);
        let (quota, len) = (self.quota.permits, self.len());
        let index = len.saturating_add(ahead).saturating_add(permits).saturating_sub(1);
        if index < quota {
            return now;
        }
        let periods = (index - len) / quota + 1;
        let (periods, start) = match index.checked_sub(periods.saturating_mul(quota)) {
            Some(known) => {
                let known = usize::try_from(known).unwrap_or(usize::MAX);
                (periods, self.taken.get(known).copied().unwrap_or(now))
            }
            None => (periods - 1, now),
        };
        start.saturating_add(periods.saturating_mul(self.quota.period)).max(now)
    }

    pub(crate) const fn set_quota(&mut self, quota: Quota) {
        self.quota = quota;
    }
}
