//! What a budget reports, and when.

use std::sync::atomic::Ordering::Relaxed;

use seawall_core::EventKind;

use super::Budget;
use super::share::Share;
use super::tokens::{TokenPlan, Tokens};

/// Number of consecutive grants after which a budget counts as recovered even though its balance
/// never shows it. Without this, a budget that is drained as fast as it fills would report
/// "exhausted" and "recovered" in turn.
const STREAK: u64 = 10;

/// Number of repetitions that a recovered budget can grant at once. One that is drained as fast as
/// it fills never has enough for two.
const MANY: u64 = 5;

impl Tokens {
    /// Whether half of the reserve is there and enough for several repetitions, or the budget is full.
    /// Where a full budget does not cover two repetitions, `streak` has to show it.
    fn has_recovered(&self, streak: u64) -> bool {
        let TokenPlan { cost, reserve, capacity, .. } = self.plan();
        let enough = capacity.min(MANY * cost).max(reserve / 2);
        self.left() >= enough && (capacity >= 2 * cost || streak >= STREAK)
    }
}

impl Share {
    /// Whether half of the places are free and as many repetitions as there are places were granted
    /// without a refusal.
    fn has_recovered(&self, streak: u64) -> bool {
        let (calls, repetitions) = self.in_flight();
        let places = self.plan().limit(calls);
        repetitions <= places.div_ceil(2) && streak >= STREAK.max(places.into())
    }
}

impl Budget {
    pub(super) fn refused(&self) {
        self.inner.refused.fetch_add(1, Relaxed);
        self.inner.granted_before.store(self.inner.granted.load(Relaxed), Relaxed);
        if self.inner.tokens.exhaust() {
            self.reporter.report(|| EventKind::BudgetExhausted);
        }
    }

    /// Something was granted or paid in, and the budget was last reported as exhausted.
    pub(super) fn recovers(&self) {
        let before = self.inner.granted_before.load(Relaxed);
        let streak = self.inner.granted.load(Relaxed).saturating_sub(before);
        let recovered = self.inner.credited().is_none_or(|tokens| tokens.has_recovered(streak))
            && self.inner.share.as_ref().is_none_or(|share| share.has_recovered(streak));
        if recovered && self.inner.tokens.recover() {
            self.reporter.report(|| EventKind::budget_recovered(self.inner.refused.load(Relaxed)));
        }
    }
}
