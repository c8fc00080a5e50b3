//! What a success can change, so that the shell knows when it needs no lock.

use super::{Machine, Window};
use crate::time::Nanos;

/// How much of a fast success the closed state has to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ease {
    /// It may open the circuit, or the window must slide: all of it, under the lock.
    Locked,
    /// It can't open the circuit: that there was one is enough, and later is soon enough.
    Counted,
    /// It changes nothing at all.
    Skipped,
}

impl Machine {
    /// Until when a success may be counted without a slide of the window.
    pub(crate) fn slides_at(&self) -> Nanos {
        self.window.slides_at()
    }

    /// How many successes may wait before the machine is told of them: as many as make a window of
    /// outcomes full of them, for then no more need counting.
    pub(crate) fn pending_limit(&self) -> u64 {
        match &self.window {
            Window::Count(window) => window.size().into(),
            _ => u64::from(u32::MAX / 2),
        }
    }

    /// How much of a fast success this state has to see. Holds until the next outcome that is none.
    pub(crate) fn ease(&self) -> Ease {
        if !self.admits_all() || self.settings.rules.predicate.is_some() {
            return Ease::Locked;
        }
        match &self.window {
            Window::Absent if self.run == 0 => Ease::Skipped,
            Window::Absent => Ease::Locked,
            Window::Count(window) if self.run == 0 && window.is_full_of_successes() => {
                Ease::Skipped
            }
            Window::Count(_) | Window::Time(_) => self.ease_of_window(),
        }
    }

    fn ease_of_window(&self) -> Ease {
        let counts = self.counts();
        let harmless = counts.failures == 0 && counts.slow == 0;
        // A fast success lowers the rates. So what does not break a rule now, with enough samples
        // for it to have a say, will not do so after any number of them.
        let enough = counts.samples >= self.settings.rules.min_calls;
        let holds = enough && self.settings.rules.broken_by(&counts).is_none();
        if harmless || holds { Ease::Counted } else { Ease::Locked }
    }
}
