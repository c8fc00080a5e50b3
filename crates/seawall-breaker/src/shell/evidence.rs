//! What a refusal says, readable without the lock.

use std::sync::atomic::Ordering::Relaxed;

use seawall_core::{Evidence, Rule};

use crate::sync::AtomicU64;
use crate::time::{NEVER, Nanos};

/// Since when and until when the open state refuses, and why.
///
/// Each word may be read while another is written; it is the gate that says whether what was read
/// belongs together: a writer sends the gate to the lock before it writes, and a reader looks at
/// the gate before and after it reads.
#[derive(Debug)]
pub(crate) struct Words {
    since: AtomicU64,
    until: AtomicU64,
    rule_and_samples: AtomicU64,
    observed: AtomicU64,
    limit: AtomicU64,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Refusing {
    pub(crate) since: Nanos,
    /// [`NEVER`] where it does not end by itself.
    pub(crate) until: Nanos,
    pub(crate) evidence: Option<Evidence>,
}

/// The rules that can open a circuit. Their index plus one is what the word holds.
const RULES: [Rule; 5] = [
    Rule::ConsecutiveFailures,
    Rule::FailureRate,
    Rule::SlowRate,
    Rule::Predicate,
    Rule::ProbeFailures,
];

impl Words {
    pub(crate) fn new() -> Self {
        Self {
            since: AtomicU64::new(0),
            until: AtomicU64::new(NEVER),
            rule_and_samples: AtomicU64::new(0),
            observed: AtomicU64::new(0),
            limit: AtomicU64::new(0),
        }
    }

    pub(crate) fn write(&self, refusing: Refusing) {
        self.since.store(refusing.since, Relaxed);
        self.until.store(refusing.until, Relaxed);
        let (rule, evidence) = match refusing.evidence {
            Some(evidence) => (index(evidence.rule), evidence),
            None => (0, Evidence::new(Rule::FailureRate, 0.0, 0.0, 0)),
        };
        self.rule_and_samples.store(rule << 32 | u64::from(evidence.samples), Relaxed);
        self.observed.store(evidence.observed.to_bits(), Relaxed);
        self.limit.store(evidence.limit.to_bits(), Relaxed);
    }

    #[inline]
    pub(crate) fn read(&self) -> Refusing {
        let word = self.rule_and_samples.load(Relaxed);
        let rule = ((word >> 32) as usize).checked_sub(1).and_then(|index| RULES.get(index));
        let evidence = rule.map(|rule| {
            let observed = f64::from_bits(self.observed.load(Relaxed));
            let limit = f64::from_bits(self.limit.load(Relaxed));
            Evidence::new(*rule, observed, limit, word as u32)
        });
        Refusing { since: self.since.load(Relaxed), until: self.until.load(Relaxed), evidence }
    }
}

fn index(rule: Rule) -> u64 {
    RULES.iter().position(|known| *known == rule).map_or(0, |index| index as u64 + 1)
}
