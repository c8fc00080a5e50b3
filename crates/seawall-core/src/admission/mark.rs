//! Calls inside calls that one policy admits both.

use std::cell::Cell;
use std::ptr;

/// What a call says of itself while it is polled, so that its policy recognises a call inside of it:
/// see [`Settle::mark`](super::Settle::mark).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    policy: usize,
    number: u64,
}

/// How many marked calls may be inside each other; those that are deeper are not recognised.
const MAX_NESTED: usize = 4;

thread_local! {
    // Without a destructor, so that it can be used while a thread ends, too.
    static AROUND: Cell<[Option<Mark>; MAX_NESTED]> = const { Cell::new([None; MAX_NESTED]) };
}

impl Mark {
    /// The mark `number` of the policy whose state is `policy`.
    pub fn new<P>(policy: &P, number: u64) -> Self {
        Self { policy: ptr::from_ref(policy).addr(), number }
    }

    /// Whether this is inside a call with this mark, polled on this thread. A task that the call
    /// spawned is not.
    pub fn is_around(self) -> bool {
        AROUND.get().contains(&Some(self))
    }

    /// Marks what this thread does until the result is dropped.
    pub fn enter(self) -> Inside {
        let mut around = AROUND.get();
        let place = around.iter().position(Option::is_none);
        if let Some(place) = place {
            around[place] = Some(self);
            AROUND.set(around);
        }
        Inside(place)
    }
}

/// This thread is inside a marked call, until this is dropped.
#[derive(Debug)]
#[must_use = "the mark ends when it is dropped"]
pub struct Inside(Option<usize>);

impl Drop for Inside {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            let mut around = AROUND.get();
            around[place] = None;
            AROUND.set(around);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_holds_until_it_is_dropped_and_five_deep_is_not_recognised() {
        let policy = 1_u64;
        let mark = |number| Mark::new(&policy, number);
        let inside: Vec<_> = (0..5).map(|number| mark(number).enter()).collect();
        let around = |number| mark(number).is_around();
        assert!((0..4).all(around) && !around(4));
        assert!(!Mark::new(&2_u64, 0).is_around(), "another policy");
        drop(inside);
        assert!(!(0..5).any(around));
    }
}
