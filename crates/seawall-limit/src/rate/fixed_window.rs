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

    pub(crate) fn take(&mut self, now: u64, permits: u64) -> Result<(), u64> {
        // A clock that goes back stays in the window that was reached.
        if now > self.last {
            (self.last, self.taken) = (last_of_window(self.quota, now), 0);
        }
        match self.taken.checked_add(permits) {
            Some(taken) if taken <= self.quota.permits.get() => {
                self.taken = taken;
                Ok(())
            }
            _ => Err(self.last.saturating_add(1).saturating_sub(now)),
        }
    }

    pub(crate) fn due(&self, now: u64, ahead: u64, permits: u64) -> u64 {
        let (last, taken) = if now > self.last {
            (last_of_window(self.quota, now), 0)
        } else {
            (self.last, self.taken)
        };
        let Quota { permits: quota, period, .. } = self.quota;
        let left = quota.get().saturating_sub(taken);
        let wanted = ahead.saturating_add(permits);
        // The last permit decides the window.
        let Some(later_before_it) = wanted.saturating_sub(left).checked_sub(1) else {
            return now;
        };
        let windows = later_before_it / quota;
        last.saturating_add(windows.saturating_mul(period.get())).saturating_add(1)
    }

    pub(crate) const fn set_quota(&mut self, quota: Quota, now: u64) {
        // Permits that were taken count in the current window, wherever the new edges lie.
        self.last = last_of_window(quota, now);
        self.quota = quota;
    }
}

const fn last_of_window(quota: Quota, now: u64) -> u64 {
    let period = quota.period.get();
    (now - now % period).saturating_add(period - 1)
}
