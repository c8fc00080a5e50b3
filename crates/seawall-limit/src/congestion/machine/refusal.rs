//! Why a call may not send a request.

use seawall_core::CircuitState;

use super::super::defaults::{MAX_WAITERS, REFUSED_AFTER};
use super::{Down, Machine, WhileDown, nanos, seconds};

/// Why a call may not send a request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in super::super) enum Refusal {
    /// Nothing is answered.
    Down(Outage),
    /// When it came, an answer took longer in health than what was left: seconds, and nanoseconds.
    TooLate { left: u64, takes: f64 },
    /// It waited until then, as nothing is answered.
    StillDown(Outage),
    /// It waited until then for room. At today's rate those that wait are answered by `retry_at`.
    NoRoom { in_flight: u32, limit: f64, waiting: u32, retry_at: u64 },
    /// An operator holds the circuit open since then.
    Held { since: u64 },
    /// There is no room to wait in.
    Full { waiting: u32 },
}

/// Nothing is answered since then, after these failures in a row, of which `limit` are enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct Outage {
    pub(in super::super) failures: u32,
    pub(in super::super) limit: u32,
    pub(in super::super) since: u64,
    pub(in super::super) retry_at: u64,
}

impl Machine {
    pub(super) fn refuses(&self, now: u64, due: u64, repeats: bool) -> Option<Refusal> {
        if now >= self.latest_start(due) {
            let left = due.saturating_sub(now);
            return Some(Refusal::TooLate { left, takes: self.healthy() });
        }
        if let Some(since) = self.held_since {
            return Some(Refusal::Held { since });
        }
        let waiting = u32::try_from(self.waiters.len()).unwrap_or(u32::MAX);
        if self.waiters.len() >= MAX_WAITERS {
            return Some(Refusal::Full { waiting });
        }
        let outage = self.refuses_since(now)?;
        (repeats || !self.probes(now)).then_some(Refusal::Down(outage))
    }

    /// When callers are refused, if they want to be and there is an outage: it lasts longer than a call
    /// may take.
    pub(super) fn refuses_from(&self) -> Option<u64> {
        let down = self.down.filter(|_| self.while_down == WhileDown::Refuse)?;
        let began = self.row.map_or(down.since, |row| row.first);
        Some(began.saturating_add(nanos(REFUSED_AFTER * seconds(self.deadline))))
    }

    /// The outage for which callers are refused.
    pub(super) fn refuses_since(&self, now: u64) -> Option<Outage> {
        self.refuses_from().filter(|from| now >= *from).and_then(|_| self.outage())
    }

    /// An operator holds it open: every call is refused.
    pub(in super::super) fn hold(&mut self, now: u64) {
        self.held_since.get_or_insert(now);
    }

    pub(in super::super) const fn release(&mut self) {
        self.held_since = None;
    }

    pub(in super::super) const fn circuit(&self) -> CircuitState {
        match (self.held_since, self.down) {
            (Some(_), _) => CircuitState::ForcedOpen,
            (None, Some(_)) => CircuitState::Open,
            (None, None) => CircuitState::Closed,
        }
    }

    /// What is known of the outage, if there is one.
    pub(in super::super) fn outage(&self) -> Option<Outage> {
        let Down { since, limit } = self.down?;
        let retry_at = self.last_probe.saturating_add(self.probe_interval());
        Some(Outage { failures: self.failures(), limit, since, retry_at })
    }

    /// Why a waiter got no answer in time.
    pub(super) fn waited(&self, now: u64) -> Refusal {
        if let Some(outage) = self.outage() {
            return Refusal::StillDown(outage);
        }
        let waiting = u32::try_from(self.waiters.len()).unwrap_or(u32::MAX);
        let passes = f64::from(waiting) / self.answers.before().max(f64::MIN_POSITIVE);
        let retry_at = now.saturating_add(nanos(passes).max(self.probe_interval()));
        Refusal::NoRoom { in_flight: self.in_flight, limit: self.limit, waiting, retry_at }
    }
}
