//! Waking tasks, and dropping what wakes them, outside of locks.
//!
//! Cloning, waking and dropping a waker runs the executor's code, or a task's: the last waker of a
//! task may drop it, and with it a permit of the very policy whose lock is held. So a waker is
//! cloned before the lock is taken and woken or dropped after it was released. A thread that frees
//! a place has nothing to do with the wakers of those that wait for it, so a panic in one of them
//! ends here, after the panic hook ran, and the others are woken.

use std::task::Waker;

use crate::catch;
use crate::sync::Mutex;

/// Wakes all of `wakers`, whether or not one of them panics.
pub fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        drop(catch(|| waker.wake()));
    }
}

/// Drops a waker that is no longer needed.
pub fn discard(waker: Option<Waker>) {
    drop(catch(|| drop(waker)));
}

/// The wakers of the tasks that wait for one thing, at most one for each [`WakerSlot`].
///
/// A waiter that leaves has to [remove](Self::remove) its waker, so there are never more wakers
/// than waiters.
#[derive(Debug)]
pub struct Wakers(Mutex<Registered>);

#[derive(Debug)]
struct Registered {
    next_slot: u64,
    wakers: Vec<(u64, Waker)>,
}

/// A waiter's place in [`Wakers`]; empty until its first waker is registered.
#[derive(Debug, Default)]
pub struct WakerSlot(Option<u64>);

impl WakerSlot {
    const DRIVER: u64 = 0;

    /// The one slot of a waiter that keeps no state between its polls. Only one task may use it.
    pub const fn driver() -> Self {
        Self(Some(Self::DRIVER))
    }
}

impl Default for Wakers {
    fn default() -> Self {
        Self::new()
    }
}

impl Wakers {
    /// An empty list.
    pub fn new() -> Self {
        let registered = Registered { next_slot: WakerSlot::DRIVER + 1, wakers: Vec::new() };
        Self(Mutex::new(registered))
    }

    /// Registers `waker` in `slot`, in place of any waker that was there.
    pub fn register(&self, slot: &mut WakerSlot, waker: &Waker) {
        let waker = waker.clone();
        let replaced = self.0.lock().put(slot, waker);
        discard(replaced);
    }

    /// Removes the waker of `slot`.
    pub fn remove(&self, slot: &WakerSlot) {
        let removed = slot.0.and_then(|number| self.0.lock().take(number));
        discard(removed);
    }

    /// Removes all wakers and wakes them.
    pub fn wake_all(&self) {
        let wakers = std::mem::take(&mut self.0.lock().wakers);
        wake_all(wakers.into_iter().map(|(_, waker)| waker));
    }
}

impl Registered {
    fn put(&mut self, slot: &mut WakerSlot, waker: Waker) -> Option<Waker> {
        let number = *slot.0.get_or_insert_with(|| {
            self.next_slot += 1;
            self.next_slot - 1
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
