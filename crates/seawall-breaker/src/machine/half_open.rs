//! The half-open state: probes, their leases, their verdict.

use crate::time::Nanos;

/// The probes of one half-open generation.
#[derive(Clone, Debug)]
pub(crate) struct HalfOpen {
    /// The probes under way.
    leases: Vec<Lease>,
    /// Names the next probe. Never 0, which names no probe.
    next: u32,
    succeeded: u32,
    failed: u32,
    /// How long the next probe may take.
    lease: Nanos,
    /// Whether a lease that ended in vain makes the next one longer.
    grows: bool,
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
    /// `None`: as long as the open state's wait was.
    pub(crate) lease: Option<Nanos>,
}

/// What the probes say together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Well,
    Sick,
    Undecided,
}

impl HalfOpen {
    /// No probe yet. Each may take `lease`; if the lease was not chosen by the user it doubles
    /// whenever one ended in vain, so that a dependency slower than the open wait gets its verdict.
    pub(crate) fn new(lease: Nanos, grows: bool) -> Self {
        Self { leases: Vec::new(), next: 1, succeeded: 0, failed: 0, lease, grows }
    }

    /// Takes back the slots of probes whose lease has ended. Says how many there were.
    pub(crate) fn expire(&mut self, now: Nanos) -> usize {
        let before = self.leases.len();
        self.leases.retain(|lease| now < lease.ends);
        let expired = before - self.leases.len();
        if expired > 0 && self.grows {
            self.lease = self.lease.saturating_mul(2);
        }
        expired
    }

    /// Takes a slot, if one is free.
    pub(crate) fn admit(&mut self, probing: Probing, now: Nanos) -> Option<u32> {
        let taken = self.succeeded + self.failed + self.leases.len() as u32;
        if taken >= probing.probes {
            return None;
        }
        let probe = self.next;
        self.next = self.next.checked_add(1).unwrap_or(1);
        self.leases.push(Lease { probe, ends: now.saturating_add(self.lease) });
        Some(probe)
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
            Verdict::Well
        } else if self.failed >= probing.too_many() {
            Verdict::Sick
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

    /// How long a probe may take.
    pub(crate) fn lease(&self) -> Nanos {
        self.lease
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
