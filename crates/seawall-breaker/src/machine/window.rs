//! The outcomes that the closed state remembers.

use crate::time::{NEVER, Nanos};
use count::CountWindow;
use time::{Slice, TimeWindow};

pub(crate) mod count;
pub(crate) mod time;

/// The outcomes that the rates are taken over.
#[derive(Clone, Debug)]
pub(crate) enum Window {
    /// No rule needs one.
    Absent,
    Count(CountWindow),
    Time(TimeWindow),
}

/// The kind and the size of a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WindowSize {
    Absent,
    Count { outcomes: u32 },
    Time { span: Nanos, slices: u32 },
}

/// What a window holds.
///
/// The argument of a predicate given to [`open_when`](crate::BreakerBuilder::open_when), and a part
/// of a [`Snapshot`](crate::Snapshot).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WindowCounts {
    /// The number of outcomes in the window.
    pub samples: u32,
    /// The failures among them.
    pub failures: u32,
    /// The slow calls among them, failed or not. 0 without a slow-call rule.
    pub slow: u32,
    /// Failures in a row up to now. May be more than the window holds.
    pub consecutive_failures: u32,
}

impl WindowCounts {
    /// The share of failures, 0 in an empty window.
    pub fn failure_rate(&self) -> f64 {
        share(self.failures, self.samples)
    }

    /// The share of slow calls, 0 in an empty window.
    pub fn slow_rate(&self) -> f64 {
        share(self.slow, self.samples)
    }
}

pub(crate) fn share(part: u32, whole: u32) -> f64 {
    if whole == 0 { 0.0 } else { f64::from(part) / f64::from(whole) }
}

/// Puts counts of unknown order into a count window: successes first, as the newest outcomes of a
/// window that is being changed are most likely failures. If not all fit, their share.
fn fill(window: &mut CountWindow, total: Slice) {
    let size = u64::from(window.size());
    let samples = u64::from(total.samples);
    let kept = samples.min(size);
    let scaled = |part: u32| (u64::from(part) * kept).checked_div(samples).unwrap_or(0);
    let (failures, slow) = (scaled(total.failures), scaled(total.slow));
    for n in 0..kept {
        window.push(n >= kept - failures, n >= kept - slow);
    }
}

impl Window {
    pub(crate) fn new(size: WindowSize, slow: bool, now: Nanos) -> Self {
        match size {
            WindowSize::Absent => Self::Absent,
            WindowSize::Count { outcomes } => Self::Count(CountWindow::new(outcomes, slow)),
            WindowSize::Time { span, slices } => Self::Time(TimeWindow::new(span, slices, now)),
        }
    }

    /// A window of another kind or size, with the outcomes of this one as far as they fit.
    pub(crate) fn resized(&self, size: WindowSize, slow: bool, now: Nanos) -> Self {
        let mut new = Self::new(size, slow, now);
        match (self, &mut new) {
            (Self::Count(old), Self::Count(new)) => {
                old.outcomes().for_each(|(failed, slow)| new.push(failed, slow));
            }
            (Self::Time(old), Self::Time(new)) => {
                // Replays the old slices from the time of the oldest.
                let ends = old.slices().next().map_or(now, |(ends, _)| ends);
                new.clear(ends.saturating_sub(old.width()));
                for (ends, slice) in old.slices() {
                    new.slide(ends.saturating_sub(1).min(now));
                    new.push(slice);
                }
                new.slide(now);
            }
            (Self::Count(_), Self::Time(new)) => new.push(self.total()),
            (Self::Time(old), Self::Count(new)) => fill(new, old.total()),
            (Self::Absent, _) | (_, Self::Absent) => {}
        }
        new
    }

    pub(crate) fn slide(&mut self, now: Nanos) {
        if let Self::Time(window) = self {
            window.slide(now);
        }
    }

    pub(crate) fn push(&mut self, failed: bool, slow: bool) {
        match self {
            Self::Absent => {}
            Self::Count(window) => window.push(failed, slow),
            Self::Time(window) => window.push(Slice {
                samples: 1,
                failures: u32::from(failed),
                slow: u32::from(slow),
            }),
        }
    }

    pub(crate) fn push_successes(&mut self, count: u64) {
        match self {
            Self::Absent => {}
            Self::Count(window) => window.push_successes(count),
            Self::Time(window) => window.push(Slice {
                samples: u32::try_from(count).unwrap_or(u32::MAX),
                ..Slice::default()
            }),
        }
    }

    pub(crate) fn total(&self) -> Slice {
        match self {
            Self::Absent => Slice::default(),
            Self::Count(window) => Slice {
                samples: window.samples(),
                failures: window.failures(),
                slow: window.slow(),
            },
            Self::Time(window) => window.total(),
        }
    }

    /// Until when outcomes may be counted without a slide.
    pub(crate) fn slides_at(&self) -> Nanos {
        match self {
            Self::Time(window) => window.ends(),
            _ => NEVER,
        }
    }
}
