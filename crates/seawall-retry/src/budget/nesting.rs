//! Which budgets were paid into for the call that is polled on this thread, so that a call inside of
//! it does not pay again.

use std::cell::Cell;

/// How many budgets of nested calls are kept apart. A call inside more of them pays in once more.
const MAX_NESTED: usize = 4;

/// The address of a budget's state, which is borrowed for as long as it is noted. Never 0.
type Address = usize;

thread_local! {
    // Without a destructor, so that it can be used while a thread ends, too.
    static PAID: Cell<[Address; MAX_NESTED]> = const { Cell::new([0; MAX_NESTED]) };
}

/// A call of this budget is polled on this thread, until this is dropped. 0 where nothing is noted.
#[must_use = "dropped at once, it notes nothing"]
pub(crate) struct Paid(Address);

impl Paid {
    pub(crate) const UNNOTED: Self = Self(0);

    /// Notes that a call of `budget` is polled, unless an outer call of the same budget has noted it,
    /// or there is no place left.
    #[cold]
    pub(super) fn note(budget: Address) -> Self {
        let mut paid = PAID.get();
        if paid.contains(&budget) {
            return Self::UNNOTED;
        }
        let Some(place) = paid.iter_mut().find(|noted| **noted == 0) else {
            return Self::UNNOTED;
        };
        *place = budget;
        PAID.set(paid);
        Self(budget)
    }

    /// Whether a call inside of which this code runs is one of `budget`.
    pub(super) fn is_noted(budget: Address) -> bool {
        PAID.get().contains(&budget)
    }

    #[cold]
    fn forget(&self) {
        PAID.set(PAID.get().map(|noted| if noted == self.0 { 0 } else { noted }));
    }
}

impl Drop for Paid {
    #[inline]
    fn drop(&mut self) {
        if self.0 != 0 {
            self.forget();
        }
    }
}
