//! What an outcome can change, so that the shell knows when it needs no lock.

use super::window::share;
use super::{Machine, Window, WindowCounts};
use crate::time::Nanos;

/// How much of a fast outcome the closed state has to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ease {
    /// It may open the circuit, or the window must slide: all of it, under the lock.
    Locked,
    /// It can't open the circuit, nor can so many failures among any number of successes: that
    /// there were such, and in what order, is enough, and later is soon enough.
    Counted { failures: u32 },
    /// A success changes nothing at all. A failure is seen under the lock.
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
            // A success ends the run of failures for which they are counted.
            Window::Absent if self.run > 0 => 1,
            _ => u64::from(u32::MAX / 2),
        }
    }

    /// How much of a fast outcome this state has to see. Holds until the machine is told of one.
    pub(crate) fn ease(&self) -> Ease {
        if !self.admits_all() || self.settings.rules.predicate().is_some() {
            return Ease::Locked;
        }
        match &self.window {
            Window::Absent if self.run == 0 => Ease::Skipped,
            Window::Count(window) if self.run == 0 && window.is_full_of_successes() => {
                Ease::Skipped
            }
            _ if !self.hold.decides() => Ease::Counted { failures: u32::MAX },
            _ => match self.failures_to_spare() {
                Some(failures) => Ease::Counted { failures },
                None => Ease::Locked,
            },
        }
    }

    /// How many more failures, among any number of successes, break no rule; `None` if a success
    /// alone may.
    ///
    /// Samples only become more until the window slides, which the shell does under the lock. So a
    /// rate that has a say is one of at least as many samples as there are now, and of at least
    /// `min_calls`.
    fn failures_to_spare(&self) -> Option<u32> {
        let rules = &self.settings.rules;
        let WindowCounts { samples, failures, slow, consecutive_failures } = self.counts();
        let samples = samples.max(rules.min_calls);
        if rules.slow().is_some_and(|rule| share(slow, samples) >= rule.rate) {
            return None;
        }
        let in_a_row = rules.consecutive.map_or(u32::MAX, |limit| limit.get() - 1);
        let in_a_row = in_a_row.checked_sub(consecutive_failures)?;
        let of_all = most_below(rules.failure_rate, samples).checked_sub(failures)?;
        Some(in_a_row.min(of_all))
    }
}

/// The most of `samples` whose share is below `rate`; `u32::MAX` where no share reaches it.
#[expect(clippy::cast_sign_loss, reason = "a rate is above 0")]
fn most_below(rate: f64, samples: u32) -> u32 {
    let about = (rate * f64::from(samples)) as u32;
    // One more than wanted where the product is whole, or was rounded up.
    if share(about, samples) >= rate { about.saturating_sub(1) } else { about }
}
