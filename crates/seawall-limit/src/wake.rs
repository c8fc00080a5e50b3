//! Waking a task, and letting go of what wakes it: the executor's code.
//!
//! So is cloning a waker. None of them happens under a lock, as what they do may be to ask the very
//! limit whose lock it is. And who frees a place has nothing to do with the wakers of those who
//! wait for it, so a panic in one ends here, after the panic hook was told.

use std::task::Waker;

use seawall_core::catch;

/// Wakes all of them, whatever one of them does.
pub(crate) fn wake_all(wakers: impl IntoIterator<Item = Waker>) {
    for waker in wakers {
        drop(catch(|| waker.wake()));
    }
}

/// Drops a waker that is not needed any longer.
pub(crate) fn let_go(waker: Option<Waker>) {
    drop(catch(|| drop(waker)));
}
