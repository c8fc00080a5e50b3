//! The sliding counter: how many permits were taken in each part of the last period.

use super::quota::Quota;

/// How many parts a period has.
pub(crate) const PARTS: usize = 16;

/// As strict as the log and as small as the fixed window: a part that has left the period only
/// partly counts in full. So no window of one period holds more than the quota, and in a steady
/// stream a quota takes 17 sixteenths of the period.
///
/// The usual sliding counter weighs the old part by how much of it is left, as if its permits had
/// been taken evenly; where they were not, more than the quota goes through.
#[derive(Clone, Debug)]
pub(crate) struct SlidingCounter {
    quota: Quota,
    // The number of the newest part, its last nanosecond, and the permits taken in each part.
    part: u64,
    last: u64,
    taken: [u64; PARTS + 1],
    sum: u64,
}

impl SlidingCounter {
    pub(crate) const fn new(quota: Quota) -> Self {
        Self { quota, part: 0, last: width(quota) - 1, taken: [0; PARTS + 1], sum: 0 }
    }

    #[expect(clippy::cast_possible_truncation, reason = "a rest of 17")]
    const fn slot(part: u64) -> usize {
        (part % (PARTS as u64 + 1)) as usize
    }

    fn advance(&mut self, now: u64) {
        // A clock that goes back stays in the part that was reached.
        if now > self.last {
            self.begin(now / width(self.quota));
        }
    }

    fn begin(&mut self, part: u64) {
        let passed = (part - self.part).min(PARTS as u64 + 1);
        for step in 0..passed {
            let left = &mut self.taken[Self::slot(part - step)];
            self.sum -= *left;
            *left = 0;
        }
        let width = width(self.quota);
        (self.part, self.last) = (part, (part * width).saturating_add(width - 1));
    }

    fn add(&mut self, permits: u64) {
        self.taken[Self::slot(self.part)] += permits;
        self.sum += permits;
    }

    /// How many permits the window at `now` has room for.
    pub(crate) fn available(&mut self, now: u64) -> u64 {
        self.advance(now);
        self.quota.permits.saturating_sub(self.sum)
    }

    pub(crate) fn take(&mut self, now: u64, permits: u64) -> Result<(), u64> {
        if permits > self.available(now) {
            return Err(self.due(now, 0, permits).saturating_sub(now));
        }
        self.add(permits);
        Ok(())
    }

    pub(crate) fn due(&mut self, now: u64, ahead: u64, permits: u64) -> u64 {
        self.advance(now);
        let (sum, quota) = (self.sum, self.quota.permits);
        let wanted = sum.saturating_add(ahead).saturating_add(permits);
        let over = wanted.saturating_sub(quota);
        if over == 0 {
            return now;
        }
        // Permits that are taken when the current parts have left come back in the same order, one
        // round later.
        let rounds = over.saturating_sub(sum).div_ceil(quota);
        let missing = over.saturating_sub(rounds.saturating_mul(quota));
        let steps = rounds.saturating_mul(PARTS as u64 + 1).saturating_add(self.leaves(missing));
        self.part.saturating_add(steps).saturating_mul(width(self.quota)).max(now)
    }

    /// How many parts have to begin until `permits` permits have left.
    fn leaves(&self, mut permits: u64) -> u64 {
        let mut steps = 0;
        while permits > 0 && steps <= PARTS as u64 {
            steps += 1;
            // The one after the newest, counted round, is the oldest.
            permits = permits.saturating_sub(self.taken[Self::slot(self.part + steps)]);
        }
        steps
    }

    pub(crate) fn set_quota(&mut self, quota: Quota, now: u64) {
        // Permits that were taken count as taken now, so never too few.
        let sum = self.sum;
        *self = Self::new(quota);
        self.advance(now);
        self.add(sum);
    }
}

const fn width(quota: Quota) -> u64 {
    quota.period.div_ceil(PARTS as u64)
}
