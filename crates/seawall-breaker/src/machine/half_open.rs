//! The half-open state: probes, their leases, their verdict.

use super::admission::Ticket;
use crate::time::Nanos;

/// The probes of one half-open generation.
#[derive(Clone, Debug)]
pub(crate) struct HalfOpen {
    /// The probes under way.
    leases: Vec<Lease>,
    /// Names the next probe. Never 0, which names no probe, and never [`Ticket::UNMEASURED`].
    next: u32,
    succeeded: u32,
    failed: u32,
    /// How long the next probe may take.
    lease: Nanos,
    term: Term,
}

#[derive(Clone, Copy, Debug)]
struct Lease {
    probe: u32,
    ends: Nanos,
}

/// How many probes there are, and how many of them have to succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Probing {
    pub(crate) probes: u32,
    pub(crate) needed: u32,
    pub(crate) term: Term,
}

/// How long a probe may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Term {
    /// As long as the user said.
    Fixed(Nanos),
    /// As long as the open state's wait was, but no shorter than `shortest`. A lease that ended in
    /// vain doubles the next one, up to `longest`; a success that came too late makes it twice what
    /// that took, however long.
    Learned { shortest: Nanos, longest: Nanos },
}

/// What the probes say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Passed,
    Failed,
    Undecided,
}

impl HalfOpen {
    /// No probe yet, after an open state that waited for `wait`.
    pub(crate) fn new(term: Term, wait: Nanos) -> Self {
        let lease = match term {
            Term::Fixed(lease) => lease,
            // A wait may be drawn as nothing, and within nothing no probe answers.
            Term::Learned { shortest, .. } => wait.max(shortest),
        };
        Self { leases: Vec::new(), next: 1, succeeded: 0, failed: 0, lease, term }
    }

    /// Takes back the slots of probes whose lease has ended. Says how many there were.
    pub(crate) fn expire(&mut self, now: Nanos) -> usize {
        let before = self.leases.len();
        self.leases.retain(|lease| now < lease.ends);
        let expired = before - self.leases.len();
        if expired > 0
            && let Term::Learned { longest, .. } = self.term
        {
            self.lease = self.lease.max(self.lease.saturating_mul(2).min(longest));
        }
        expired
    }

    /// Heeds a probe that succeeded after `took`, when its lease was over: the dependency is well
    /// and slow, so the next ones get longer.
    pub(crate) fn succeeded_late(&mut self, took: Nanos) {
        if let Term::Learned { .. } = self.term {
            self.lease = self.lease.max(took.saturating_mul(2));
        }
    }

    /// Takes a slot, if one is free.
    pub(crate) fn admit(&mut self, probing: Probing, now: Nanos) -> Option<u32> {
        let taken = self.succeeded + self.failed + self.leases.len() as u32;
        if taken >= probing.probes {
            return None;
        }
        let probe = self.next;
        self.next = Self::after(probe);
        self.leases.push(Lease { probe, ends: now.saturating_add(self.lease) });
        Some(probe)
    }

    /// What the probe after `probe` is called. The names begin again after four billion.
    pub(crate) fn after(probe: u32) -> u32 {
        probe % (Ticket::UNMEASURED - 1) + 1
    }

    /// Gives the slot of `probe` back. Says whether it still had it.
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

    /// `needed` successes are enough; so many failures that they are out of reach are too many.
    pub(crate) fn verdict(&self, probing: Probing) -> Verdict {
        if self.succeeded >= probing.needed {
            Verdict::Passed
        } else if self.failed >= probing.too_many() {
            Verdict::Failed
        } else {
            Verdict::Undecided
        }
    }

    pub(crate) fn succeeded(&self) -> u32 {
        self.succeeded
    }

    pub(crate) fn failed(&self) -> u32 {
        self.failed
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
    /// From how many failures on the successes needed are out of reach.
    pub(crate) fn too_many(self) -> u32 {
        self.probes - self.needed + 1
    }
}
