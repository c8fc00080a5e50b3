//! The user's own rule. It is the user's code, so the shell asks it, without the lock: the machine
//! hands out the question and takes the answer.

use std::sync::Arc;

use seawall_core::{Evidence, Rule, contain};

use super::rules::Predicate;
use super::{Happened, Machine, Outcome, Phase, Trigger, WindowCounts};
use crate::time::Nanos;

/// What a user's predicate is asked.
pub(crate) struct Question {
    predicate: Predicate,
    counts: WindowCounts,
    generation: u64,
    /// How long the dependency asked to be left alone, in the outcome that made the question.
    hint: Option<Nanos>,
}

impl Question {
    /// A panic in the predicate counts as "does not hold".
    pub(crate) fn holds(&self) -> bool {
        contain(|| (self.predicate)(&self.counts)).unwrap_or(false)
    }
}

impl Machine {
    /// What the user's predicate, if there is one, is to be asked after `outcome`.
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

    /// Opens the circuit because the predicate held, unless the generation it was asked about is
    /// over, or nobody would ask it any more.
    pub(crate) fn predicate_held(
        &mut self,
        question: &Question,
        now: Nanos,
        happened: &mut Happened,
    ) {
        let asked = self.settings.rules.predicate();
        let asked = asked.is_some_and(|asked| Arc::ptr_eq(asked, &question.predicate));
        if asked && question.generation == self.generation {
            let evidence = Evidence::new(Rule::Predicate, 1.0, 1.0, question.counts.samples);
            self.open(Trigger::Tripped, evidence, question.hint, now, happened);
        }
    }
}
