//! The rules that open a closed circuit.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use seawall_core::{Evidence, Rule};

use super::window::{WindowCounts, WindowSize, share};
use crate::time::{NEVER, Nanos};

/// A user's own rule.
pub(crate) type Predicate = Arc<dyn Fn(&WindowCounts) -> bool + Send + Sync>;

/// Which rules are configured. Whichever fires first opens the circuit.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    pub(crate) window: WindowSize,
    pub(crate) min_calls: u32,
    pub(crate) consecutive: Option<NonZeroU32>,
    /// [`OUT_OF_REACH`] where there is no such rule.
    pub(crate) failure_rate: f64,
    /// The rules that few ask for.
    pub(crate) rare: Option<Box<RareRules>>,
}

/// A share that is never reached.
pub(crate) const OUT_OF_REACH: f64 = f64::INFINITY;

#[derive(Clone)]
pub(crate) struct RareRules {
    pub(crate) slow: Option<SlowRule>,
    /// Asked by the shell, outside the lock: it is the user's code.
    pub(crate) predicate: Option<Predicate>,
}

/// Opens the circuit when too many calls are slow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct SlowRule {
    pub(crate) rate: f64,
    /// A call is slow at or above this.
    pub(crate) after: Nanos,
}

impl Rules {
    pub(crate) fn slow(&self) -> Option<SlowRule> {
        self.rare.as_ref()?.slow
    }

    pub(crate) fn predicate(&self) -> Option<&Predicate> {
        self.rare.as_ref()?.predicate.as_ref()
    }

    /// The rule that `counts` break, if any. The predicate is not among them.
    pub(crate) fn broken_by(&self, counts: &WindowCounts) -> Option<Evidence> {
        self.run_too_long(counts)
            .or_else(|| self.too_many_failures(counts))
            .or_else(|| self.too_many_slow(counts))
    }

    fn run_too_long(&self, counts: &WindowCounts) -> Option<Evidence> {
        let limit = self.consecutive?.get();
        let run = counts.consecutive_failures;
        (run >= limit)
            .then(|| Evidence::new(Rule::ConsecutiveFailures, run.into(), limit.into(), run))
    }

    fn too_many_failures(&self, counts: &WindowCounts) -> Option<Evidence> {
        self.rate_reached(Rule::FailureRate, counts.failures, self.failure_rate, counts)
    }

    fn too_many_slow(&self, counts: &WindowCounts) -> Option<Evidence> {
        self.rate_reached(Rule::SlowRate, counts.slow, self.slow()?.rate, counts)
    }

    fn rate_reached(
        &self,
        rule: Rule,
        part: u32,
        limit: f64,
        counts: &WindowCounts,
    ) -> Option<Evidence> {
        if counts.samples < self.min_calls {
            return None;
        }
        let rate = share(part, counts.samples);
        (rate >= limit).then(|| Evidence::new(rule, rate, limit, counts.samples))
    }

    /// Whether the window slides with time.
    pub(crate) fn slides(&self) -> bool {
        matches!(self.window, WindowSize::Time { .. })
    }

    /// At and above this a call is slow.
    pub(crate) fn slow_after(&self) -> Nanos {
        self.slow().map_or(NEVER, |rule| rule.after)
    }
}

impl fmt::Debug for RareRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RareRules")
            .field("slow", &self.slow)
            .field("predicate", &self.predicate.is_some())
            .finish()
    }
}
