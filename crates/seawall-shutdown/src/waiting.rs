//! The wakers of those that wait for a drain to be complete.

use std::task::Waker;

use seawall_core::contain;

use crate::sync::Mutex;

/// One waker for each waiter. A waiter that leaves removes its waker, so there are never more than
/// there are waiters.
#[derive(Debug)]
pub(crate) struct Waiting(Mutex<Places>);

struct Places {
    next: u64,
    wakers: Vec<(u64, Waker)>,
}

/// A waiter's place: its number, once it is taken.
#[derive(Debug, Default)]
pub(crate) struct Place(Option<u64>);

impl Place {
    const DRIVER: u64 = 0;

    /// The place of the caller that drives the shutdown: there is one, and it keeps no state between
    /// its polls.
    pub(crate) const fn driver() -> Self {
        Self(Some(Self::DRIVER))
    }
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Places { next: Place::DRIVER + 1, wakers: Vec::new() }))
    }

    /// Has `waker` woken from now on, instead of any before it in this place.
    pub(crate) fn wait(&self, place: &mut Place, waker: &Waker) {
        let waker = waker.clone();
        let before = self.0.lock().put(place, waker);
        // Outside the lock: the last waker may drop a task, and that runs code of the user's.
        drop(before);
    }

    /// Gives `place` up.
    pub(crate) fn leave(&self, place: &Place) {
        let waker = place.0.and_then(|number| self.0.lock().take(number));
        drop(waker);
    }

    pub(crate) fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.0.lock().wakers);
        for (_, waker) in wakers {
            // A waker is the user's code: its panic is not that of the last to leave.
            let _ = contain(|| waker.wake());
        }
    }
}

impl Places {
    fn put(&mut self, place: &mut Place, waker: Waker) -> Option<Waker> {
        let number = *place.0.get_or_insert_with(|| {
            self.next += 1;
            self.next - 1
        });
        if let Some((_, before)) = self.wakers.iter_mut().find(|(taken, _)| *taken == number) {
            return Some(std::mem::replace(before, waker));
        }
        self.wakers.push((number, waker));
        None
    }

    fn take(&mut self, number: u64) -> Option<Waker> {
        let index = self.wakers.iter().position(|(taken, _)| *taken == number)?;
        Some(self.wakers.swap_remove(index).1)
    }
}
