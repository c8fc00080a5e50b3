//! The primitives under the words that loom checks: its own there, the usual ones elsewhere.

use std::fmt;

#[cfg(not(seawall_loom))]
pub(crate) use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(seawall_loom)]
pub(crate) use loom::sync::atomic::{AtomicUsize, Ordering};

#[cfg(not(seawall_loom))]
use parking_lot::{Mutex as RawMutex, MutexGuard};

#[cfg(seawall_loom)]
use loom::sync::{Mutex as RawMutex, MutexGuard};

/// A lock without poisoning: no code of the user's runs under it.
pub(crate) struct Mutex<T>(RawMutex<T>);

impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(RawMutex::new(value))
    }

    #[cfg(not(seawall_loom))]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock()
    }

    #[cfg(seawall_loom)]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mutex")
    }
}
