//! The locks and atomics of the shell: the real ones, or loom's under `--cfg seawall_loom`.

#[cfg(not(seawall_loom))]
pub(crate) use parking_lot::Mutex;
#[cfg(not(seawall_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, fence};

#[cfg(seawall_loom)]
use loom::sync::MutexGuard;
#[cfg(seawall_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, fence};

/// loom's lock with the face of `parking_lot`'s: a poisoned lock fails the model anyway.
#[cfg(seawall_loom)]
#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(seawall_loom)]
impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        match self.0.lock() {
            Ok(guard) => guard,
            Err(poisoned) => poisoned.into_inner(),
        }
    }
}
