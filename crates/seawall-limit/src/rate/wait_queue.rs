//! Who waits for the rate, first come first served. No lock, no clock.

use std::collections::BTreeMap;
use std::task::Waker;

use crate::wake::{let_go, wake_all};

/// A place in the line. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place(u64);

#[derive(Debug)]
struct Waiter {
    permits: u64,
    waker: Option<Waker>,
}

/// Nothing is taken for those who wait before it is their turn, so who goes away owes nothing and
/// everybody behind moves up.
#[derive(Debug, Default)]
pub(crate) struct Line {
    waiting: BTreeMap<Place, Waiter>,
    permits: u64,
    next: u64,
}

/// What a place leaves behind: to be settled after the lock, as a waker that is dropped may drop a
/// task.
#[derive(Debug, Default)]
#[must_use = "who has become the first waits to be woken"]
pub(crate) struct Left {
    own: Option<Waker>,
    next: Option<Waker>,
}

impl Left {
    /// Wakes who has become the first, lets go of what would have woken who left.
    pub(crate) fn settle(self) {
        wake_all(self.next);
        let_go(self.own);
    }
}

impl Line {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// How many permits all who wait ask for.
    pub(crate) const fn permits(&self) -> u64 {
        self.permits
    }

    pub(crate) fn push(&mut self, permits: u64) -> Place {
        let place = Place(self.next);
        self.next += 1;
        self.permits = self.permits.saturating_add(permits);
        self.waiting.insert(place, Waiter { permits, waker: None });
        place
    }

    pub(crate) fn is_first(&self, place: Place) -> bool {
        self.waiting.first_key_value().is_some_and(|(first, _)| *first == place)
    }

    /// How many permits those before `place` ask for.
    pub(crate) fn ahead_of(&self, place: Place) -> u64 {
        self.waiting.range(..place).fold(0, |sum, (_, waiter)| sum.saturating_add(waiter.permits))
    }

    /// Leaves `waker` to be woken when `place` has become the first. Gives the waker that is not
    /// needed any longer, to be dropped after the lock.
    pub(crate) fn wait(&mut self, place: Place, waker: Waker) -> Option<Waker> {
        match self.waiting.get_mut(&place) {
            Some(waiter) => waiter.waker.replace(waker),
            None => Some(waker),
        }
    }

    /// Takes a place out.
    pub(crate) fn leave(&mut self, place: Place) -> Left {
        let was_first = self.is_first(place);
        let Some(waiter) = self.waiting.remove(&place) else {
            return Left::default();
        };
        self.permits = self.permits.saturating_sub(waiter.permits);
        let mut first = self.waiting.first_entry().filter(|_| was_first);
        let next = first.as_mut().and_then(|first| first.get_mut().waker.take());
        Left { own: waiter.waker, next }
    }

    pub(crate) fn wakers(&mut self) -> Vec<Waker> {
        self.waiting.values_mut().filter_map(|waiter| waiter.waker.take()).collect()
    }
}
