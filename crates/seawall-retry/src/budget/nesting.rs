//! Which budget was paid into for the call that is polled on this thread, so that a call inside of it
//! does not pay again.

use std::cell::Cell;

/// The address of a budget's state, which is borrowed for as long as it is noted. Never 0.
type Address = usize;

thread_local! {
    // Without a destructor, so that it can be used while a thread ends, too.
    static PAID: Cell<Address> = const { Cell::new(0) };
}

/// A call of a budget is polled on this thread, until this is dropped. Inside a call of another budget
/// it takes its place for as long.
#[must_use = "dropped at once, it notes nothing"]
pub(crate) struct Paid {
    /// What was noted before; `None` where nothing was noted by this.
    before: Option<Address>,
}

impl Paid {
    pub(crate) const UNNOTED: Self = Self { before: None };

    #[cold]
    pub(super) fn note(budget: Address) -> Self {
        Self { before: Some(PAID.replace(budget)) }
    }

    /// Whether the call inside of which this code runs is one of `budget`.
    pub(super) fn is_noted(budget: Address) -> bool {
        PAID.get() == budget
    }
}

impl Drop for Paid {
    #[inline]
    fn drop(&mut self) {
        if let Some(before) = self.before {
            PAID.set(before);
        }
    }
}
