//! Locks, or those of loom.

#[cfg(not(seawall_loom))]
pub(crate) use parking_lot::Mutex;
#[cfg(not(seawall_loom))]
pub(crate) use std::sync::atomic::AtomicU64;

#[cfg(seawall_loom)]
pub(crate) use loom_locks::{AtomicU64, Mutex};

#[cfg(seawall_loom)]
mod loom_locks {
    use loom::sync::MutexGuard;
    pub(crate) use loom::sync::atomic::AtomicU64;

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

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
}
