//! The generic cell rate algorithm (GCRA).
//!
//! It remembers one number: the theoretical arrival time (TAT), at which the permits taken so far
//! would be used up by a caller that takes them evenly. A permit moves the TAT on by the time that
//! one permit costs, from now at the earliest. It is refused if that would bring the TAT further
//! ahead of now than a burst costs.
//!
//! Source: ITU-T I.371, Annex A, the virtual scheduling algorithm. It admits what a leaky bucket
//! of `burst` does, with one number instead of two and nothing that refills.

use std::time::Duration;

use super::quota::{Quota, divide, wide};

/// A point in time or a length of it: nanoseconds, and fractions of one.
///
/// The quota's `unit` says how many fractions make one nanosecond. Compared in this order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FineNanos {
    nanos: u64,
    rest: u64,
}

/// The algorithm with its quota and its state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gcra {
    tat: FineNanos,
    rate: GcraRate,
}

/// What follows from the quota.
#[derive(Clone, Copy, Debug)]
pub(crate) struct GcraRate {
    quota: Quota,
    one: FineNanos,
    burst: FineNanos,
    slack: FineNanos,
}

impl FineNanos {
    pub(crate) const fn at(nanos: u64) -> Self {
        Self { nanos, rest: 0 }
    }

    // Both rests are below `unit`, which is below 2⁶³, so their sum fits a u64.
    const fn plus(self, other: Self, unit: u64) -> Self {
        // Both below 2⁶³ for the 292 years after the limit was built; after that nothing is promised.
        let nanos = self.nanos.wrapping_add(other.nanos);
        let rest = self.rest + other.rest;
        if rest >= unit {
            Self { nanos: nanos.wrapping_add(1), rest: rest - unit }
        } else {
            Self { nanos, rest }
        }
    }

    /// The sum, or the end of time where it does not fit 64 bits.
    fn saturating_plus(self, other: Self, unit: u64) -> Self {
        match self.nanos.checked_add(other.nanos) {
            Some(nanos) if nanos < u64::MAX => self.plus(other, unit),
            _ => Self::at(u64::MAX),
        }
    }

    /// The time that is `ticks` after `anchor`, where `unit` ticks make a nanosecond.
    pub(crate) const fn from_ticks(anchor: u64, ticks: u64, unit: u64) -> Self {
        Self { nanos: anchor.wrapping_add(ticks / unit), rest: ticks % unit }
    }

    /// How many ticks it is after `anchor`, which may lie before zero. `None` where they don't fit
    /// 64 bits.
    pub(crate) fn ticks_since(self, anchor: u64, unit: u64) -> Option<u64> {
        self.nanos.wrapping_sub(anchor).checked_mul(unit)?.checked_add(self.rest)
    }

    /// The first whole nanosecond that is no earlier.
    pub(crate) fn ceil(self) -> u64 {
        self.since(Self::at(0))
    }

    pub(crate) fn round_up(&mut self) {
        *self = Self::at(self.ceil());
    }

    /// How many whole nanoseconds after `earlier` it is, rounded up; 0 if it is not after it.
    fn since(self, earlier: Self) -> u64 {
        if self <= earlier {
            return 0;
        }
        let nanos = self.nanos - earlier.nanos;
        if self.rest > earlier.rest { nanos.saturating_add(1) } else { nanos }
    }
}

impl GcraRate {
    pub(crate) fn new(quota: Quota) -> Self {
        let none = FineNanos::default();
        let rate = Self { quota, one: none, burst: none, slack: none };
        Self {
            one: rate.cost(1),
            burst: rate.cost(quota.burst),
            slack: rate.cost(quota.burst - 1),
            ..rate
        }
    }

    fn cost(&self, permits: u64) -> FineNanos {
        let (nanos, rest) = self.quota.nanos(permits);
        FineNanos { nanos, rest }
    }

    pub(crate) const fn unit(&self) -> u64 {
        self.quota.unit
    }

    /// What one permit costs.
    pub(crate) const fn one(&self) -> FineNanos {
        self.one
    }

    /// How far ahead of now the TAT may be for one more permit: a burst less one.
    pub(crate) const fn slack(&self) -> FineNanos {
        self.slack
    }

    /// Takes `permits` at `now` out of a cell, or says in how many nanoseconds it would.
    pub(crate) fn take(&self, tat: &mut FineNanos, now: u64, permits: u64) -> Result<(), u64> {
        let (cost, slack) = match permits {
            1 => (self.one, self.slack),
            _ => self.cost_and_slack(permits)?,
        };
        // From now or the TAT, whichever is later, the cost must lead no further than a burst ahead
        // of now. Compared is the same less the cost.
        let latest = FineNanos { nanos: now.wrapping_add(slack.nanos), rest: slack.rest };
        if *tat > latest {
            return Err(tat.since(latest));
        }
        let from = if tat.nanos < now { FineNanos::at(now) } else { *tat };
        *tat = from.plus(cost, self.unit());
        Ok(())
    }

    fn cost_and_slack(&self, permits: u64) -> Result<(FineNanos, FineNanos), u64> {
        let slack = self.quota.burst.checked_sub(permits).ok_or(u64::MAX)?;
        Ok((self.cost(permits), self.cost(slack)))
    }

    pub(crate) fn describe(&self) -> String {
        let Quota { permits, period, burst, .. } = self.quota;
        let period = Duration::from_nanos(period);
        format!("{permits} calls in {period:?}, counted evenly, {burst} at once")
    }

    pub(crate) const fn permits(&self) -> u64 {
        self.quota.permits
    }

    /// What one permit costs, rounded up to whole nanoseconds.
    pub(crate) fn one_in_nanos(&self) -> u64 {
        self.one.ceil()
    }

    /// How many permits can be taken out of a cell at `now`.
    pub(crate) fn available(&self, tat: FineNanos, now: u64) -> u64 {
        let taken = self.debt(tat, now).div_ceil(wide(self.quota.step));
        self.quota.burst.saturating_sub(u64::try_from(taken).unwrap_or(u64::MAX))
    }

    /// How far ahead of `now` the TAT is, in fractions of a nanosecond.
    fn debt(&self, tat: FineNanos, now: u64) -> u128 {
        match tat.nanos.checked_sub(now) {
            Some(nanos) => wide(nanos) * wide(self.quota.unit) + wide(tat.rest),
            None => 0,
        }
    }

    /// Whether a cell is as good as a new one.
    pub(crate) fn is_idle(tat: FineNanos, now: u64) -> bool {
        tat <= FineNanos::at(now)
    }
}

impl Gcra {
    pub(crate) fn new(quota: Quota) -> Self {
        Self { tat: FineNanos::default(), rate: GcraRate::new(quota) }
    }

    /// The rate and the TAT.
    pub(crate) const fn parts(&self) -> (&GcraRate, FineNanos) {
        (&self.rate, self.tat)
    }

    pub(crate) const fn set_tat(&mut self, tat: FineNanos) {
        self.tat = tat;
    }

    pub(crate) fn take(&mut self, now: u64, permits: u64) -> Result<(), u64> {
        self.rate.take(&mut self.tat, now, permits)
    }

    pub(crate) fn available(&self, now: u64) -> u64 {
        self.rate.available(self.tat, now)
    }

    pub(crate) fn due(&self, now: u64, ahead: u64, permits: u64) -> u64 {
        let (unit, start) = (self.rate.unit(), FineNanos::at(now));
        let cost = self.rate.cost(ahead.saturating_add(permits));
        let next = self.tat.max(start).saturating_plus(cost, unit);
        now.saturating_add(next.since(start.plus(self.rate.burst, unit)))
    }

    /// Sets another quota. Permits that were taken stay taken, fractions included, at their new
    /// price.
    pub(crate) fn set_quota(&mut self, quota: Quota, now: u64) {
        let (debt, step) = (self.rate.debt(self.tat, now), self.rate.quota.step);
        let ticks = debt.saturating_mul(wide(quota.step)).div_ceil(wide(step));
        let (nanos, rest) = divide(ticks, quota.unit);
        self.rate = GcraRate::new(quota);
        self.tat = FineNanos { nanos: now.saturating_add(nanos), rest };
    }
}
