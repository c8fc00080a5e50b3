//! The locks and atomics of the shell: the real ones, or loom's under `--cfg seawall_loom`.

#[cfg(not(seawall_loom))]
pub(crate) use parking_lot::Mutex;
#[cfg(not(seawall_loom))]
pub(crate) use std::sync::OnceLock;
#[cfg(not(seawall_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, fence};

#[cfg(seawall_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, fence};
#[cfg(seawall_loom)]
use loom::sync::{
    MutexGuard,
    atomic::{AtomicBool, Ordering},
};

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

/// `OnceLock`, which loom does not have, with what it promises: one value is made, and who finds it
/// finds what was written before it was there.
#[cfg(seawall_loom)]
#[derive(Debug)]
pub(crate) struct OnceLock<T> {
    value: std::sync::OnceLock<T>,
    is_there: AtomicBool,
    making: Mutex<()>,
}

#[cfg(seawall_loom)]
impl<T> OnceLock<T> {
    pub(crate) fn new() -> Self {
        Self {
            value: std::sync::OnceLock::new(),
            is_there: AtomicBool::new(false),
            making: Mutex::new(()),
        }
    }

    pub(crate) fn get(&self) -> Option<&T> {
        if self.is_there.load(Ordering::Acquire) { self.value.get() } else { None }
    }

    pub(crate) fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
        self.get().unwrap_or_else(|| {
            let _making = self.making.lock();
            let value = self.value.get_or_init(make);
            self.is_there.store(true, Ordering::Release);
            value
        })
    }
}
