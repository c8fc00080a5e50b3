//! Locks and atomics: the real ones, or loom's under `--cfg seawall_loom`.
//!
//! Only for the words and locks that a loom model looks at. Everything else uses the standard
//! library and `parking_lot` directly.

#[cfg(not(seawall_loom))]
pub use parking_lot::{Mutex, MutexGuard};
#[cfg(not(seawall_loom))]
pub use std::sync::OnceLock;
#[cfg(not(seawall_loom))]
pub use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

#[cfg(seawall_loom)]
pub use loom::sync::MutexGuard;
#[cfg(seawall_loom)]
pub use loom::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(seawall_loom)]
pub use modelled::{Mutex, OnceLock};

#[cfg(seawall_loom)]
mod modelled {
    use loom::sync::MutexGuard;
    use loom::sync::atomic::{AtomicBool, Ordering};

    /// loom's lock with the interface of `parking_lot`'s. A poisoned lock fails the model anyway.
    #[derive(Debug)]
    pub struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        /// A lock around `value`.
        pub fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        /// Locks it.
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
        }

        /// Locks it, unless it is locked.
        pub fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }
    }

    /// `OnceLock`, which loom does not have, with its guarantee: one value is made, and a thread
    /// that finds it sees what was written before it was stored.
    #[derive(Debug)]
    pub struct OnceLock<T> {
        value: std::sync::OnceLock<T>,
        is_set: AtomicBool,
        making: Mutex<()>,
    }

    impl<T> Default for OnceLock<T> {
        fn default() -> Self {
            Self::new()
        }
    }

    impl<T> OnceLock<T> {
        /// A cell without a value.
        pub fn new() -> Self {
            Self {
                value: std::sync::OnceLock::new(),
                is_set: AtomicBool::new(false),
                making: Mutex::new(()),
            }
        }

        /// The value, if it was made.
        pub fn get(&self) -> Option<&T> {
            if self.is_set.load(Ordering::Acquire) { self.value.get() } else { None }
        }

        /// The value, made by `make` if it was not.
        pub fn get_or_init(&self, make: impl FnOnce() -> T) -> &T {
            self.get().unwrap_or_else(|| {
                let _making = self.making.lock();
                let value = self.value.get_or_init(make);
                self.is_set.store(true, Ordering::Release);
                value
            })
        }
    }
}
