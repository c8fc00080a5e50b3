//! What a budget reports, and when.

use std::sync::atomic::Ordering::Relaxed;

use seawall_core::{Event, PolicyKind, What};
use tokio::time::Instant;

use super::Budget;
use super::share::Share;
use super::tokens::Tokens;

impl Tokens {
    /// Whether half of the reserve is there: then a budget that was empty has recovered. With less
    /// it would be told empty and recovered in turns, as long as calls pay in what others take out.
    pub(super) fn is_plenty(&self) -> bool {
        self.left() >= self.plan.reserve / 2
    }
}

impl Budget {
    #[cold]
    pub(super) fn refused(&self) {
        self.0.refused.fetch_add(1, Relaxed);
        if !self.0.exhausted.swap(true, Relaxed) {
            self.tell(What::BudgetExhausted);
        }
    }

    /// Something was granted, and the budget was last told to be exhausted.
    #[cold]
    pub(super) fn recovers(&self) {
        let plenty = self.0.tokens().is_none_or(Tokens::is_plenty)
            && self.0.share().is_none_or(Share::is_plenty);
        if plenty && self.0.exhausted.swap(false, Relaxed) {
            self.tell(What::budget_recovered(self.0.refused.load(Relaxed)));
        }
    }

    fn tell(&self, what: What) {
        let inner = &*self.0;
        inner
            .listeners
            .emit(|| Event::new(inner.name.clone(), PolicyKind::Budget, Instant::now(), what));
    }
}
