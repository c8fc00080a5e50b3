//! What was injected so far.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::machine::Fault;

/// Counts since the policy was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChaosCounts {
    /// Attempts that could have got a fault.
    pub candidates: u64,
    /// Attempts that were delayed.
    pub latency: u64,
    /// Attempts that failed on purpose.
    pub error: u64,
    /// Attempts that got another outcome.
    pub outcome: u64,
    /// Attempts that panicked on purpose.
    pub panic: u64,
    /// Attempts that were never answered.
    pub never: u64,
    /// Attempts that would have got a fault, but are of the control group.
    pub control: u64,
    /// Attempts that would have got a fault, but too many had one at that time.
    pub held_back: u64,
    /// Attempts that succeeded while faults were injected, with and without one.
    pub succeeded: u64,
    /// Attempts that failed while faults were injected, with and without one.
    pub failed: u64,
}

impl ChaosCounts {
    /// Faults of all kinds.
    pub const fn injected(&self) -> u64 {
        self.latency + self.error + self.outcome + self.panic + self.never
    }

    /// The share of the attempts that failed, injected or not; 0 before the first is over.
    #[expect(clippy::cast_precision_loss, reason = "a share")]
    pub fn failed_share(&self) -> f64 {
        self.failed as f64 / (self.failed + self.succeeded).max(1) as f64
    }
}

/// The counts while they are counted. Relaxed throughout: they decide nothing but an abort rule, which
/// may be one attempt late.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    candidates: AtomicU64,
    faults: [AtomicU64; 5],
    control: AtomicU64,
    held_back: AtomicU64,
    succeeded: AtomicU64,
    failed: AtomicU64,
}

const fn index(fault: Fault) -> usize {
    match fault {
        Fault::Latency(_) => 0,
        Fault::Error => 1,
        Fault::Outcome => 2,
        Fault::Panic => 3,
        Fault::Never => 4,
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Counters {
    pub(crate) fn candidate(&self) {
        add(&self.candidates);
    }

    pub(crate) fn injected(&self, fault: Fault) {
        add(&self.faults[index(fault)]);
    }

    pub(crate) fn control(&self) {
        add(&self.control);
    }

    pub(crate) fn held_back(&self) {
        add(&self.held_back);
    }

    pub(crate) fn ended(&self, good: bool) {
        add(if good { &self.succeeded } else { &self.failed });
    }

    pub(crate) fn read(&self) -> ChaosCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ChaosCounts {
            candidates: read(&self.candidates),
            latency: read(&self.faults[0]),
            error: read(&self.faults[1]),
            outcome: read(&self.faults[2]),
            panic: read(&self.faults[3]),
            never: read(&self.faults[4]),
            control: read(&self.control),
            held_back: read(&self.held_back),
            succeeded: read(&self.succeeded),
            failed: read(&self.failed),
        }
    }
}
