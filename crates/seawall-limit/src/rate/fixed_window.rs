//! The fixed window: permits are counted from zero in each period.

use super::quota::Quota;

/// Counts the permits taken in the current window. At its edge the count starts from zero, so around
/// the edge twice the quota can be taken within less than a period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FixedWindow {
    quota: Quota,
    /// The last nanosecond of the window, so that no call has to divide for it.
    last: u64,
    taken: u64,
}

impl FixedWindow {
    pub(crate) const fn new(quota: Quota) -> Self {
        Self { quota, last: last_of_window(quota, 0), taken: 0 }
    }

    /// How many permits are left in the window.
    pub(crate) fn available(&mut self, now: u64) -> u64 {
        // A clock that goes back stays in the window that was reached.
        if now > self.last {
            (self.last, self.taken) = (last_of_window(self.quota, now), 0);
        }
        self.quota.permits.saturating_sub(self.taken)
    }

    pub(crate) fn take(&mut self, now: u64, permits: u64) -> Result<(), u64> {
        if permits > self.available(now) {
            return Err(self.due(now, 0, permits).saturating_sub(now));
        }
        self.taken += permits;
        Ok(())
    }

    pub(crate) fn due(&mut self, now: u64, ahead: u64, permits: u64) -> u64 {
        let left = self.available(now);
        let wanted = ahead.saturating_add(permits);
        // The last permit decides the window.
        let Some(later_before_it) = wanted.saturating_sub(left).checked_sub(1) else {
            return now;
        };
        let windows = later_before_it / self.quota.permits;
        self.last.saturating_add(windows.saturating_mul(self.quota.period)).saturating_add(1)
    }

    pub(crate) const fn set_quota(&mut self, quota: Quota, now: u64) {
        // Permits that were taken count in the current window, wherever the new edges lie.
        self.last = last_of_window(quota, now);
        self.quota = quota;
    }
}

const fn last_of_window(quota: Quota, now: u64) -> u64 {
    let period = quota.period;
    (now - now % period).saturating_add(period - 1)
}
