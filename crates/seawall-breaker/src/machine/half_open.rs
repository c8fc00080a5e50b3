//! The half-open state: probes, their leases, their verdict.

use seawall_core::{Evidence, Rule};

use super::settings::Settings;
use super::table::{Trigger, Verdict};
use super::ticket::Ticket;
use crate::time::Nanos;

/// The probes of one half-open generation.
#[derive(Clone, Debug)]
pub(crate) struct HalfOpen {
    /// The probes in flight.
    leases: Vec<Lease>,
    /// The number of the next probe. Never 0 and never [`Ticket::UNMEASURED`], which are no probes.
    next: u32,
    pub(crate) succeeded: u32,
    pub(crate) failed: u32,
    /// How long the next probe may take.
    lease: Nanos,
    term: LeaseTerm,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    probe: u32,
    ends: Nanos,
}

/// How many probes there are, and how many of them must succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probing {
    pub(crate) probes: u32,
    pub(crate) needed: u32,
    pub(crate) term: LeaseTerm,
}

/// How long a probe may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LeaseTerm {
    Fixed(Nanos),
    /// The length of the open wait, but at least `shortest`. A lease that expires doubles the next
    /// one, up to `longest`. A success counts even after its lease has ended.
    Doubling {
        shortest: Nanos,
        longest: Nanos,
    },
}

impl HalfOpen {
    /// The state after an open state that waited for `wait`.
    pub(crate) fn new(term: LeaseTerm, wait: Nanos) -> Self {
        let lease = match term {
            LeaseTerm::Fixed(lease) => lease,
            // A wait may be drawn as zero, and no probe answers within zero.
            LeaseTerm::Doubling { shortest, .. } => wait.max(shortest),
        };
        Self { leases: Vec::new(), next: 1, succeeded: 0, failed: 0, lease, term }
    }

    /// Takes the slots of probes whose lease has ended. Returns how many there were.
    pub(crate) fn expire(&mut self, now: Nanos) -> usize {
        let before = self.leases.len();
        self.leases.retain(|lease| now < lease.ends);
        let expired = before - self.leases.len();
        if expired > 0
            && let LeaseTerm::Doubling { longest, .. } = self.term
        {
            self.lease = self.lease.max(self.lease.saturating_mul(2).min(longest));
        }
        expired
    }

    /// Whether a success counts whose lease has ended. Such a dependency is healthy and slow. With a
    /// lease that the user chose, it is too slow.
    pub(crate) fn counts_late_successes(&self) -> bool {
        matches!(self.term, LeaseTerm::Doubling { .. })
    }

    /// Takes a slot, if one is free.
    pub(crate) fn admit(&mut self, probing: Probing, now: Nanos) -> Option<u32> {
        let taken = self.succeeded + self.failed + self.in_flight();
        if taken >= probing.probes {
            return None;
        }
        let probe = self.next;
        self.next = Self::after(probe);
        self.leases.push(Lease { probe, ends: now.saturating_add(self.lease) });
        Some(probe)
    }

    /// The number after `probe`. The numbers start again after four billion.
    pub(crate) fn after(probe: u32) -> u32 {
        probe % (Ticket::UNMEASURED - 1) + 1
    }

    /// Gives the slot of `probe` back. Returns whether the probe still had it.
    pub(crate) fn release(&mut self, probe: u32) -> bool {
        let held = self.leases.iter().position(|lease| lease.probe == probe);
        held.map(|at| self.leases.swap_remove(at)).is_some()
    }

    pub(crate) fn record(&mut self, failed: bool) {
        if failed {
            self.failed += 1;
        } else {
            self.succeeded += 1;
        }
    }

    /// Passed with as many successes as are needed. Failed as soon as they are out of reach.
    pub(crate) fn verdict(&self, settings: &Settings) -> Option<Verdict> {
        let probing = settings.probing;
        let evidence = |rule, count: u32, limit: u32| {
            Evidence::new(rule, count.into(), limit.into(), self.succeeded + self.failed)
        };
        if self.succeeded >= probing.needed {
            let ramp = settings.ramp.is_some();
            let passed = if ramp { Trigger::ProbesPassedRamp } else { Trigger::ProbesPassed };
            let evidence = evidence(Rule::ProbeSuccesses, self.succeeded, probing.needed);
            Some(Verdict::new(passed, evidence))
        } else if self.failed >= probing.too_many() {
            let evidence = evidence(Rule::ProbeFailures, self.failed, probing.too_many());
            Some(Verdict::new(Trigger::ProbesFailed, evidence))
        } else {
            None
        }
    }

    /// When the first of the leases ends.
    pub(crate) fn first_end(&self) -> Option<Nanos> {
        self.leases.iter().map(|lease| lease.ends).min()
    }

    pub(crate) fn in_flight(&self) -> u32 {
        self.leases.len() as u32
    }
}

impl Probing {
    /// The number of failures from which the successes needed are out of reach.
    pub(crate) fn too_many(self) -> u32 {
        self.probes - self.needed + 1
    }
}
