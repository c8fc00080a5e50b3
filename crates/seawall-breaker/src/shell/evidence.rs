//! What a refusal says, readable without the lock, and how many there were.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use seawall_core::PackedEvidence;

use super::Gate;
use crate::machine::Refusing;
use crate::sync::AtomicU64;
use crate::time::Nanos;

/// Since when and until when the open state refuses, and why.
///
/// Each word may be read while another is written; it is the gate that says whether what was read
/// belongs together. A writer sends the gate to the lock before it writes, and last of all writes
/// which gate the words go with; a reader reads that first, and looks at the gate when it has read.
/// It is the gate [unforced](Gate::unforced): who takes one for the other refuses on evidence alone.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    gate: AtomicU64,
    since: AtomicU64,
    until: AtomicU64,
    evidence: [AtomicU64; 3],
    /// How many there were. One for all threads: each refusal writes to the name's count of its
    /// clones as well.
    count: AtomicU64,
}

impl Refusals {
    #[inline]
    pub(crate) fn count(&self) {
        // Release: see `Counters::sum`.
        self.count.fetch_add(1, Release);
    }

    pub(crate) fn counted(&self) -> u64 {
        self.count.load(Acquire)
    }

    /// Writes what goes with `gate`, which is published after it.
    pub(crate) fn write(&self, gate: Gate, refusing: Refusing) {
        self.since.store(refusing.since, Relaxed);
        self.until.store(refusing.until, Relaxed);
        for (word, value) in self.evidence.iter().zip(refusing.evidence.to_words()) {
            word.store(value, Relaxed);
        }
        // Release: who reads this gate reads these words, or newer ones.
        self.gate.store(gate.0, Release);
    }

    /// What is refused at `now`, and under which gate, if that is still the gate when it has been
    /// read. `None` where it is not, as the wait is over or begins later.
    #[inline]
    pub(crate) fn at(&self, now: Nanos) -> Option<(Gate, Refusing)> {
        let gate = Gate(self.gate.load(Acquire));
        // Each looked at when it is read: with fewer numbers at hand a refusal saves no registers.
        let since = self.since.load(Relaxed);
        if now < since {
            return None;
        }
        let until = self.until.load(Relaxed);
        if now >= until {
            return None;
        }
        let evidence = self.evidence.each_ref().map(|word| word.load(Relaxed));
        Some((gate, Refusing { since, until, evidence: PackedEvidence::from_words(evidence) }))
    }
}
