//! What a call and a repetition hold of a budget.

use std::fmt;

use super::Budget;
use super::share::Share;

/// A call that a [`Budget`](super::Budget) counts as in flight until this is dropped.
#[derive(Debug)]
#[must_use = "dropped at once, it counts nothing as in flight"]
pub struct CallInFlight<'b>(Option<&'b Share>);

impl<'b> CallInFlight<'b> {
    /// A call of a budget that does not count calls in flight, or of none.
    pub(crate) const UNCOUNTED: Self = Self(None);

    pub(super) fn new(share: &'b Share) -> Self {
        share.enter();
        Self(Some(share))
    }
}

impl Drop for CallInFlight<'_> {
    fn drop(&mut self) {
        if let Some(share) = self.0 {
            share.leave();
        }
    }
}

/// What one repetition took from a [`Budget`](super::Budget). Dropping it gives that back, except
/// the token of a repetition that was [started](Self::start).
#[must_use = "dropped at once, it gives back what was taken"]
pub struct BudgetPermit<'b> {
    budget: &'b Budget,
    started: bool,
}

impl<'b> BudgetPermit<'b> {
    pub(super) fn new(budget: &'b Budget) -> Self {
        Self { budget, started: false }
    }

    /// The repetition starts: its token is spent. Hold the permit until the attempt is over.
    pub fn start(&mut self) {
        self.started = true;
    }

    /// Whether dropping it gives anything back.
    pub(crate) fn gives_back(&self) -> bool {
        !self.started || self.budget.inner.share.is_some()
    }
}

impl Drop for BudgetPermit<'_> {
    fn drop(&mut self) {
        self.budget.inner.release(self.started);
    }
}

impl fmt::Debug for BudgetPermit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BudgetPermit")
            .field("budget", self.budget.name())
            .field("started", &self.started)
            .finish()
    }
}
