//! Who waits for the rate, first come first served. No lock, no clock.

use std::collections::BTreeMap;
use std::task::Waker;

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

    /// Leaves `waker` to be woken when `place` has become the first.
    pub(crate) fn wait(&mut self, place: Place, waker: &Waker) {
        if let Some(waiter) = self.waiting.get_mut(&place) {
            match &mut waiter.waker {
                Some(known) => known.clone_from(waker),
                none => *none = Some(waker.clone()),
            }
        }
    }

    /// Takes a place out. Gives the waker of who has become the first by it.
    pub(crate) fn leave(&mut self, place: Place) -> Option<Waker> {
        let was_first = self.is_first(place);
        let waiter = self.waiting.remove(&place)?;
        self.permits = self.permits.saturating_sub(waiter.permits);
        if was_first { self.waiting.first_entry()?.get_mut().waker.take() } else { None }
    }

    pub(crate) fn wakers(&mut self) -> Vec<Waker> {
        self.waiting.values_mut().filter_map(|waiter| waiter.waker.take()).collect()
    }
}
