//! The calls that wait, the one with the nearest deadline first.

use std::collections::BTreeSet;

/// A place in the queue: when its call is due, and a number that no other has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in super::super) struct Key {
    pub(in super::super) due: u64,
    number: u64,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    /// Calls that have sent nothing.
    fresh: BTreeSet<Key>,
    /// Calls that repeat a request, which takes a token.
    repeats: BTreeSet<Key>,
    number: u64,
}

impl Queue {
    pub(super) fn push(&mut self, due: u64, repeats: bool) -> Key {
        let key = Key { due, number: self.number };
        self.number += 1;
        let queue = if repeats { &mut self.repeats } else { &mut self.fresh };
        queue.insert(key);
        key
    }

    /// Whether it repeats a request.
    pub(super) fn remove(&mut self, key: Key) -> bool {
        !self.fresh.remove(&key) && self.repeats.remove(&key)
    }

    pub(super) fn len(&self) -> usize {
        self.fresh.len() + self.repeats.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.repeats.is_empty()
    }

    pub(super) fn repeats(&self, key: Key) -> bool {
        self.repeats.contains(&key)
    }

    /// The one with the nearest deadline.
    pub(super) fn first(&self) -> Option<Key> {
        self.fresh.first().into_iter().chain(self.repeats.first()).min().copied()
    }

    /// The one with the nearest deadline among those that repeat a request.
    pub(super) fn first_repeat(&self) -> Option<Key> {
        self.repeats.first().copied()
    }

    /// The one with the nearest deadline among those that are due at `due` or later, and if they repeat
    /// a request, at `repeats_until` or before.
    pub(super) fn next(&self, due: u64, repeats_until: u64) -> Option<Key> {
        let from = Key { due, number: 0 };
        let fresh = self.fresh.range(from..).next();
        let repeat = self.repeats.range(from..).next().filter(|key| key.due <= repeats_until);
        fresh.into_iter().chain(repeat).min().copied()
    }

    /// The one that has the most time left, if possible one that does not repeat.
    pub(super) fn last(&self) -> Option<Key> {
        self.fresh.last().or(self.repeats.last()).copied()
    }
}
