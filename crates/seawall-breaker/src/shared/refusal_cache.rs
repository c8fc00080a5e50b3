//! The terms of a refusal, readable without the lock, and the number of refusals.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use seawall_core::{PackedEvidence, Reason};

use super::StateWord;
use crate::machine::RefusalTerms;
use crate::time::Nanos;
use seawall_core::sync::AtomicU64;

/// Since when, until when and why the circuit refuses.
///
/// Each part may be read while another is written. The [`StateWord`] says whether the parts belong
/// together: a writer sends calls to the lock before it writes the parts, and writes last which word
/// they go with. A reader reads that word first, and compares it with the current one after it has
/// read the parts.
#[derive(Debug, Default)]
pub(super) struct RefusalCache {
    word: AtomicU64,
    since: AtomicU64,
    until: AtomicU64,
    evidence: [AtomicU64; 3],
    /// The number of refusals for each of [`REASONS`]. One counter for all threads: a refusal also
    /// writes to the reference count of the name, which all threads share.
    counts: [AtomicU64; REASONS.len()],
}

/// The reasons for which a breaker refuses.
pub(crate) const REASONS: [Reason; 4] =
    [Reason::Open, Reason::ProbesInFlight, Reason::Ramping, Reason::ForcedOpen];

impl RefusalCache {
    #[inline]
    pub(super) fn count(&self, reason: Reason) {
        let [open, probes, ramping, forced] = &self.counts;
        let count = match reason {
            Reason::Open => open,
            Reason::Ramping => ramping,
            Reason::ForcedOpen => forced,
            // Callers that waited for a slot in vain, too.
            _ => probes,
        };
        // Release: see `Stripes::sum`.
        count.fetch_add(1, Release);
    }

    /// The number of refusals for each of [`REASONS`].
    pub(super) fn counted(&self) -> [u64; REASONS.len()] {
        self.counts.each_ref().map(|count| count.load(Acquire))
    }

    /// Writes the terms that go with `word`, which is published after them.
    pub(super) fn write(&self, word: StateWord, terms: RefusalTerms) {
        self.since.store(terms.since, Relaxed);
        self.until.store(terms.until, Relaxed);
        for (part, value) in self.evidence.iter().zip(terms.evidence.to_words()) {
            part.store(value, Relaxed);
        }
        // Release: whoever reads this word reads these terms, or newer ones.
        self.word.store(word.0, Release);
    }

    /// The terms at `now`, and the word that they go with. `None` where the refusal is over or starts
    /// later.
    #[inline]
    pub(super) fn read(&self, now: Nanos) -> Option<(StateWord, RefusalTerms)> {
        let word = StateWord(self.word.load(Acquire));
        let (since, until) = (self.since.load(Relaxed), self.until.load(Relaxed));
        // Before the evidence is read: a refusal then needs fewer registers.
        if !(since..until).contains(&now) {
            return None;
        }
        let evidence = self.evidence.each_ref().map(|part| part.load(Relaxed));
        let evidence = PackedEvidence::from_words(evidence);
        Some((word, RefusalTerms { since, until, evidence }))
    }
}
