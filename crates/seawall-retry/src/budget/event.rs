//! What a budget reports, and when.

use std::sync::atomic::Ordering::Relaxed;

use seawall_core::EventKind;

use super::policy::Inner;
use super::share::Share;
use super::tokens::{TokenPlan, Tokens};

/// Granted without a refusal in between, so many repetitions show that a budget has recovered of
/// which what is there at one moment shows nothing: it was told empty and recovered in turns
/// otherwise, for as long as calls pay in what others take out.
const STREAK: u64 = 10;

/// So many repetitions that can be granted at once show it, too: where all is taken as it comes
/// there are never two.
const MANY: u64 = 5;

impl Tokens {
    /// Whether there is half of the reserve and enough for many repetitions, or all that there can
    /// be. Where that is not even two, `streak` has to show it.
    fn has_recovered(&self, streak: u64) -> bool {
        let TokenPlan { cost, reserve, capacity, .. } = self.plan();
        let enough = capacity.min(MANY * cost).max(reserve / 2);
        self.left() >= enough && (capacity >= 2 * cost || streak >= STREAK)
    }
}

impl Share {
    /// Whether half of the places are free, or all of them, and all were taken in turns.
    fn has_recovered(&self, streak: u64) -> bool {
        let (calls, repetitions) = self.in_flight();
        let places = self.plan().limit(calls);
        repetitions <= places.div_ceil(2) && streak >= STREAK.max(places.into())
    }
}

impl Inner {
    #[cold]
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
        self.granted_before.store(self.granted.load(Relaxed), Relaxed);
        if self.tokens.exhaust() {
            self.reporter.report(|| EventKind::BudgetExhausted);
        }
    }

    /// Something was granted or paid in, and the budget was last told to be exhausted.
    pub(super) fn recovers(&self) {
        let before = self.granted_before.load(Relaxed);
        let streak = self.granted.load(Relaxed).saturating_sub(before);
        let recovered = self.credited().is_none_or(|tokens| tokens.has_recovered(streak))
            && self.share.as_ref().is_none_or(|share| share.has_recovered(streak));
        if recovered && self.tokens.recover() {
            self.reporter.report(|| EventKind::budget_recovered(self.refused.load(Relaxed)));
        }
    }
}
