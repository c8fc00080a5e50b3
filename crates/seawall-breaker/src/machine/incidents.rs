//! What only a circuit remembers that did more than stay closed.

use seawall_core::Evidence;

use super::{Counted, Machine, Phase};
use crate::time::Nanos;

/// In a box that is made when the first of it happens.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Incidents {
    /// Why it opened last.
    pub(crate) evidence: Option<Evidence>,
    /// How long it then refuses in all.
    pub(crate) wait: Nanos,
    /// Openings since it was last closed for long enough.
    pub(crate) in_a_row: u32,
    pub(crate) openings: u64,
    pub(crate) reopenings: u64,
    pub(crate) stale: u64,
    pub(crate) unmeasured: u64,
    pub(crate) expired: u64,
}

/// What was counted since the breaker was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) successes: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
    pub(crate) stale: u64,
    pub(crate) unmeasured: u64,
    pub(crate) expired: u64,
    pub(crate) openings: u64,
    pub(crate) reopenings: u64,
}

impl Incidents {
    /// Counts an opening, the first in a row where those before are `forgotten`. Says whether it
    /// was not the first.
    pub(crate) fn count_opening(&mut self, forgotten: bool) -> bool {
        let before = if forgotten { 0 } else { self.in_a_row };
        let again = before > 0;
        self.in_a_row = before.saturating_add(1);
        self.openings += 1;
        self.reopenings += u64::from(again);
        again
    }
}

impl Machine {
    pub(super) fn incidents(&self) -> Incidents {
        self.incidents.as_deref().copied().unwrap_or_default()
    }

    /// Why it opened last, if it did.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        self.incidents().evidence
    }

    /// Openings since it was last closed for long enough.
    pub(crate) fn openings(&self) -> u32 {
        self.incidents().in_a_row
    }

    /// When the open state ends and how long it refuses in all; `None` in any other state.
    pub(crate) fn open_until(&self) -> Option<(Nanos, Nanos)> {
        match self.phase {
            Phase::Open { until } => Some((until, self.incidents().wait)),
            _ => None,
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        let Counted { successes, failures, slow } = self.counted;
        let Incidents { stale, unmeasured, expired, openings, reopenings, .. } = self.incidents();
        Totals { successes, failures, slow, stale, unmeasured, expired, openings, reopenings }
    }
}
