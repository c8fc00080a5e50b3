//! What a refusal says, readable without the lock, and how many there were.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use seawall_core::{Evidence, Rule};

use crate::machine::Refusing;
use crate::sync::AtomicU64;

/// Since when and until when the open state refuses, and why.
///
/// Each word may be read while another is written; it is the gate that says whether what was read
/// belongs together: a writer sends the gate to the lock before it writes, and a reader looks at
/// the gate before and after it reads.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    since: AtomicU64,
    until: AtomicU64,
    rule_and_samples: AtomicU64,
    observed: AtomicU64,
    limit: AtomicU64,
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

    pub(crate) fn write(&self, refusing: Refusing) {
        self.since.store(refusing.since, Relaxed);
        self.until.store(refusing.until, Relaxed);
        let (rule, evidence) = match refusing.evidence {
            Some(evidence) => (number(evidence.rule), evidence),
            None => (0, Evidence::new(Rule::FailureRate, 0.0, 0.0, 0)),
        };
        self.rule_and_samples.store(rule << 32 | u64::from(evidence.samples), Relaxed);
        self.observed.store(evidence.observed.to_bits(), Relaxed);
        self.limit.store(evidence.limit.to_bits(), Relaxed);
    }

    #[inline]
    pub(crate) fn read(&self) -> Refusing {
        let word = self.rule_and_samples.load(Relaxed);
        let evidence = rule(word >> 32).map(|rule| {
            let observed = f64::from_bits(self.observed.load(Relaxed));
            let limit = f64::from_bits(self.limit.load(Relaxed));
            Evidence::new(rule, observed, limit, word as u32)
        });
        Refusing { since: self.since.load(Relaxed), until: self.until.load(Relaxed), evidence }
    }
}

/// Only the rules that can open a circuit have a number.
fn number(rule: Rule) -> u64 {
    match rule {
        Rule::ConsecutiveFailures => 1,
        Rule::FailureRate => 2,
        Rule::SlowRate => 3,
        Rule::Predicate => 4,
        Rule::ProbeFailures => 5,
        _ => 0,
    }
}

#[inline]
fn rule(number: u64) -> Option<Rule> {
    Some(match number {
        1 => Rule::ConsecutiveFailures,
        2 => Rule::FailureRate,
        3 => Rule::SlowRate,
        4 => Rule::Predicate,
        5 => Rule::ProbeFailures,
        _ => return None,
    })
}
