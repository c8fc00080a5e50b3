//! What a budget reports, and when.

use std::sync::atomic::Ordering::Relaxed;

use seawall_core::{Event, PolicyKind, What};
use tokio::time::Instant;

use super::handle::Inner;
use super::share::Share;
use super::tokens::Tokens;

impl Tokens {
    /// Whether half of the reserve is there: then a budget that was empty has recovered. With less
    /// it would be told empty and recovered in turns, as long as calls pay in what others take out.
    pub(super) fn is_plenty(&self) -> bool {
        self.left() >= self.plan.reserve / 2
    }
}

impl Inner {
    #[cold]
    #[inline(never)]
    pub(super) fn refused(&self) {
        self.refused.fetch_add(1, Relaxed);
        if self.tokens.exhaust() {
            self.tell(What::BudgetExhausted);
        }
    }

    /// Something was granted, and the budget was last told to be exhausted.
    #[cold]
    pub(super) fn recovers(&self) {
        let plenty = self.counted().is_none_or(Tokens::is_plenty)
            && self.share.as_ref().is_none_or(Share::is_plenty);
        if plenty && self.tokens.recover() {
            self.tell(What::budget_recovered(self.refused.load(Relaxed)));
        }
    }

    fn tell(&self, what: What) {
        self.listeners
            .emit(|| Event::new(self.name.clone(), PolicyKind::Budget, Instant::now(), what));
    }
}
