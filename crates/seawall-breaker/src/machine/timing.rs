//! How long answers take, while somebody has to know: for ten seconds after a call that its caller's
//! deadline cut off, and always where calls are tallied.

use std::time::Duration;

use seawall_core::UsualTime;

use super::{Machine, Ticket};
use crate::time::{NEVER, Nanos};

/// What is known of the time that answers take. In a box that is made when it is first asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    usual: UsualTime,
    /// The next success from then on is learned from.
    learns_at: Nanos,
    /// With the first success from then on, calls are no longer timed.
    until: Nanos,
}

/// Calls are timed for 10 s after the last one that its caller's deadline cut off.
const LASTS: Nanos = 10_000_000_000;

/// One success in a millisecond is learned from: each takes the lock.
const INTERVAL: Nanos = 1_000_000;

/// Before an answer was timed, a caller that waited for a second had enough time.
const ENOUGH: Nanos = UsualTime::MAX_SILENCE.as_secs() * 1_000_000_000;

impl Timing {
    /// Calls are timed from now on.
    pub(super) const ALWAYS: Self = Self::until(NEVER);

    const fn until(until: Nanos) -> Self {
        Self { usual: UsualTime::UNKNOWN, learns_at: 0, until }
    }

    fn had_too_little(&self, waited: Nanos) -> bool {
        if self.usual.is_known() { self.usual.exceeds(waited) } else { waited < ENOUGH }
    }
}

impl Machine {
    /// Whether a call that its caller's deadline cut off after `waited` says nothing about the
    /// dependency: its caller had too little time, and others may be answered.
    pub(crate) fn excuses(&mut self, ticket: Ticket, waited: Nanos, now: Nanos) -> bool {
        if ticket.generation != self.generation || ticket.probe == Ticket::UNMEASURED {
            return false;
        }
        let until = now.saturating_add(LASTS);
        let timing = self.timing.get_or_insert_with(|| Timing::until(until).into());
        timing.until = timing.until.max(until);
        timing.had_too_little(waited) && !timing.usual.is_silent(now)
    }

    /// A call succeeded, after `took` if it was timed.
    pub(super) fn learn(&mut self, took: Option<Nanos>, now: Nanos) {
        let Some(timing) = &mut self.timing else { return };
        if now >= timing.until {
            self.timing = None;
            return;
        }
        timing.usual.end_silence();
        timing.learns_at = now.saturating_add(INTERVAL);
        if let Some(took) = took {
            timing.usual.learn(took);
        }
    }

    /// In another state the callers with too little time start again.
    pub(super) fn end_silence(&mut self) {
        if let Some(timing) = &mut self.timing {
            timing.usual.end_silence();
        }
    }

    /// Whether admissions and outcomes read the clock.
    pub(crate) fn times_calls(&self) -> bool {
        self.timing.is_some() || self.settings.rules.slow().is_some()
    }

    /// From when on it wants to see a success.
    pub(crate) fn learns_at(&self) -> Nanos {
        self.timing.as_ref().map_or(NEVER, |timing| timing.learns_at)
    }

    /// The mean time of recent successes, where it is known.
    pub(crate) fn mean_time(&self) -> Option<Duration> {
        self.timing.as_ref()?.usual.mean()
    }
}
