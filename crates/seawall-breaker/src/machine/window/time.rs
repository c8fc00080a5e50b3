//! A window over the last span of time.

use crate::time::{NEVER, Nanos};

/// The outcomes of the last span of time, in slices.
///
/// Its size does not depend on the traffic. It slides by whole slices, so it covers the span less the
/// part of the current slice that has not passed yet.
#[derive(Clone, Debug)]
pub(crate) struct TimeWindow {
    slices: Box<[Slice]>,
    /// The length of a slice.
    width: Nanos,
    current: u32,
    /// When the current slice ends.
    ends: Nanos,
    total: Slice,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Slice {
    pub(crate) samples: u32,
    pub(crate) failures: u32,
    pub(crate) slow: u32,
}

impl TimeWindow {
    pub(crate) fn new(span: Nanos, slices: u32, now: Nanos) -> Self {
        let width = if span == NEVER { NEVER } else { span / Nanos::from(slices) };
        Self {
            slices: vec![Slice::default(); slices as usize].into(),
            width,
            current: 0,
            ends: now.saturating_add(width),
            total: Slice::default(),
        }
    }

    /// Slides to `now`. Returns the number of steps: one for each slice that has ended, but never more
    /// than there are slices. A time before the current slice changes nothing.
    pub(crate) fn slide(&mut self, now: Nanos) -> usize {
        if now < self.ends || self.ends == NEVER {
            return 0;
        }
        let ended = (now - self.ends) / self.width + 1;
        let steps = ended.min(self.slices.len() as Nanos) as usize;
        (0..steps).for_each(|_| self.step());
        self.ends = self.ends.saturating_add(ended.saturating_mul(self.width));
        steps
    }

    fn step(&mut self) {
        self.current = (self.current + 1) % self.slices.len() as u32;
        let oldest = std::mem::take(&mut self.slices[self.current as usize]);
        self.total.subtract(oldest);
    }

    /// The length of a slice.
    pub(crate) fn width(&self) -> Nanos {
        self.width
    }

    /// Counts outcomes in the current slice. A window with four billion outcomes counts no more.
    pub(crate) fn push(&mut self, outcomes: Slice) {
        if self.total.samples.checked_add(outcomes.samples).is_some() {
            self.slices[self.current as usize].add(outcomes);
            self.total.add(outcomes);
        }
    }

    /// The slices with their ends, oldest first.
    pub(crate) fn slices(&self) -> impl Iterator<Item = (Nanos, Slice)> + '_ {
        let count = self.slices.len();
        (1..=count).map(move |n| {
            let at = (self.current as usize + n) % count;
            let age = self.width.saturating_mul((count - n) as Nanos);
            (self.ends.saturating_sub(age), self.slices[at])
        })
    }

    pub(crate) fn clear(&mut self, now: Nanos) {
        self.slices.fill(Slice::default());
        self.total = Slice::default();
        self.ends = now.saturating_add(self.width);
    }

    pub(crate) fn total(&self) -> Slice {
        self.total
    }

    /// When the next slide is due.
    pub(crate) fn ends(&self) -> Nanos {
        self.ends
    }
}

impl Slice {
    fn add(&mut self, other: Self) {
        self.samples += other.samples;
        self.failures += other.failures;
        self.slow += other.slow;
    }

    fn subtract(&mut self, other: Self) {
        self.samples -= other.samples;
        self.failures -= other.failures;
        self.slow -= other.slow;
    }
}
