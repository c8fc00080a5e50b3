//! The rules that open a closed circuit.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use seawall_core::{Evidence, Rule, contain};

use super::window::{WindowCounts, WindowSize, share};
use super::{Effects, Machine, Outcome, Phase, Trigger, Verdict};
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
    /// The rules that few breakers have.
    pub(crate) rare: Option<Box<RareRules>>,
}

/// A share that no window reaches.
pub(crate) const OUT_OF_REACH: f64 = f64::INFINITY;

#[derive(Clone)]
pub(crate) struct RareRules {
    pub(crate) slow: Option<SlowRule>,
    /// Called outside the lock: it is the user's code.
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

    /// The evidence of a rule that `counts` break, if any. Does not call the predicate.
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

/// A call of the user's predicate. The predicate is the user's code, so the machine hands out the
/// question, the caller answers it without the lock and hands the answer back.
pub(crate) struct Question {
    predicate: Predicate,
    counts: WindowCounts,
    generation: u64,
    /// The hint of the outcome that raised the question.
    hint: Option<Nanos>,
}

impl Question {
    /// A panic in the predicate counts as "does not hold".
    pub(crate) fn holds(&self) -> bool {
        contain(|| (self.predicate)(&self.counts)).unwrap_or(false)
    }
}

impl Machine {
    /// What the user's predicate is to be asked after `outcome`. `None` without a predicate, and
    /// where it has no say.
    pub(crate) fn question(&self, outcome: Outcome) -> Option<Question> {
        let predicate = self.settings.rules.predicate()?;
        let counts = self.counts();
        let decides = matches!(self.phase, Phase::Closed) && self.hold.decides();
        let enough = counts.samples >= self.settings.rules.min_calls;
        (decides && enough).then(|| Question {
            predicate: Arc::clone(predicate),
            counts,
            generation: self.generation,
            hint: outcome.hint,
        })
    }

    /// Opens the circuit because the predicate held, unless the generation of the question is over
    /// or the predicate was configured away.
    pub(crate) fn predicate_held(
        &mut self,
        question: &Question,
        now: Nanos,
        effects: &mut Effects,
    ) {
        let asked = self.settings.rules.predicate();
        let asked = asked.is_some_and(|asked| Arc::ptr_eq(asked, &question.predicate));
        if asked && question.generation == self.generation {
            let evidence = Evidence::new(Rule::Predicate, 1.0, 1.0, question.counts.samples);
            let verdict = Verdict::new(Trigger::Tripped, evidence);
            self.step(verdict, question.hint, now, effects);
        }
    }
}
