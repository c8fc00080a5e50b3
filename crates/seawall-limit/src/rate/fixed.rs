//! The fixed window: so many permits in each period, counted from zero at its start.

use super::quota::Quota;

/// Counts what was taken in the window that is now. One clock edge forgets everything, so around
/// it twice the quota can go through within less than a period.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FixedWindow {
    quota: Quota,
    window: u64,
    taken: u64,
}

impl FixedWindow {
    pub(crate) const fn new(quota: Quota) -> Self {
        Self { quota, window: 0, taken: 0 }
    }

    pub(crate) fn take(&mut self, now: u64, permits: u64) -> Result<(), u64> {
        let window = now / self.quota.period;
        // A clock that goes back stays in the window that was reached.
        if window > self.window {
            (self.window, self.taken) = (window, 0);
        }
        match self.taken.checked_add(permits) {
            Some(taken) if taken <= self.quota.permits.get() => {
                self.taken = taken;
                Ok(())
            }
            _ => Err(self.start_of(1).saturating_sub(now)),
        }
    }

    pub(crate) fn due(&self, now: u64, ahead: u64, permits: u64) -> u64 {
        let wanted = ahead.saturating_add(permits);
        let current = now / self.quota.period > self.window;
        let (first, taken) = if current { (now, 0) } else { (now, self.taken) };
        // The last of them is the one that decides in which window it is.
        let windows = taken.saturating_add(wanted).saturating_sub(1) / self.quota.permits;
        if windows == 0 {
            return first;
        }
        let base = if current { now / self.quota.period } else { self.window };
        base.saturating_add(windows).saturating_mul(self.quota.period.get())
    }

    fn start_of(&self, after: u64) -> u64 {
        self.window.saturating_add(after).saturating_mul(self.quota.period.get())
    }

    pub(crate) const fn set_quota(&mut self, quota: Quota, now: u64) {
        // What was taken counts in the window that is now, wherever the new edges lie.
        self.window = now / quota.period.get();
        self.quota = quota;
    }
}
