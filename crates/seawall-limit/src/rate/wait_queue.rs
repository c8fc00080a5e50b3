//! The calls that wait for the rate, first come first served. No lock, no clock.
//!
//! Nothing is taken for a waiter before it is the first, so a waiter that leaves owes nothing and
//! all behind it move up.

use std::collections::BTreeMap;
use std::task::Waker;

use seawall_core::wakers::{discard, wake_all};

/// A position in the queue. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position(u64);

#[derive(Debug)]
struct Waiter {
    permits: u64,
    waker: Option<Waker>,
}

#[derive(Debug, Default)]
pub(crate) struct WaitQueue {
    waiters: BTreeMap<Position, Waiter>,
    permits: u64,
    next: u64,
}

/// The wakers that a waiter leaves behind. To be settled after the lock: dropping a waker may drop
/// a task.
#[derive(Debug, Default)]
#[must_use = "the waiter that has become the first is still asleep"]
pub(crate) struct Departure {
    own: Option<Waker>,
    next: Option<Waker>,
}

impl Departure {
    /// Wakes the waiter that has become the first, and drops the waker of the one that left.
    pub(crate) fn settle(self) {
        wake_all(self.next);
        discard(self.own);
    }
}

impl WaitQueue {
    pub(crate) fn is_empty(&self) -> bool {
        self.waiters.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.waiters.len()
    }

    /// How many permits all waiters ask for.
    pub(crate) const fn permits(&self) -> u64 {
        self.permits
    }

    pub(crate) fn push(&mut self, permits: u64) -> Position {
        let position = Position(self.next);
        self.next += 1;
        self.permits = self.permits.saturating_add(permits);
        self.waiters.insert(position, Waiter { permits, waker: None });
        position
    }

    pub(crate) fn is_first(&self, position: Position) -> bool {
        self.waiters.first_key_value().is_some_and(|(first, _)| *first == position)
    }

    /// How many permits the waiters before `position` ask for.
    pub(crate) fn ahead_of(&self, position: Position) -> u64 {
        let before = self.waiters.range(..position);
        before.fold(0, |sum, (_, waiter)| sum.saturating_add(waiter.permits))
    }

    /// Keeps `waker` until `position` is the first. Returns the waker that is not needed any
    /// longer, to be dropped after the lock.
    pub(crate) fn wait(&mut self, position: Position, waker: Waker) -> Option<Waker> {
        match self.waiters.get_mut(&position) {
            Some(waiter) => waiter.waker.replace(waker),
            None => Some(waker),
        }
    }

    pub(crate) fn leave(&mut self, position: Position) -> Departure {
        let was_first = self.is_first(position);
        let Some(waiter) = self.waiters.remove(&position) else {
            return Departure::default();
        };
        self.permits = self.permits.saturating_sub(waiter.permits);
        let mut first = self.waiters.first_entry().filter(|_| was_first);
        let next = first.as_mut().and_then(|first| first.get_mut().waker.take());
        Departure { own: waiter.waker, next }
    }

    /// Whether `position` has not left, and was not [evicted](Self::evict_above).
    pub(crate) fn contains(&self, position: Position) -> bool {
        self.waiters.contains_key(&position)
    }

    /// Evicts the waiters that ask for more than `burst` permits. Returns all wakers: those that
    /// stay may have another time.
    pub(crate) fn evict_above(&mut self, burst: u64) -> Vec<Waker> {
        let wakers = self.wakers();
        self.waiters.retain(|_, waiter| waiter.permits <= burst);
        self.permits = self.waiters.values().fold(0, |sum, it| sum.saturating_add(it.permits));
        wakers
    }

    pub(crate) fn wakers(&mut self) -> Vec<Waker> {
        self.waiters.values_mut().filter_map(|waiter| waiter.waker.take()).collect()
    }
}
