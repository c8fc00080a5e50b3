//! The primitives of the shared words, so that loom can take their place.

#[cfg(not(seawall_loom))]
pub(crate) use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

#[cfg(not(seawall_loom))]
pub(crate) use parking_lot::{Mutex, MutexGuard};

#[cfg(seawall_loom)]
pub(crate) use loom::sync::atomic::{AtomicU32, AtomicU64, Ordering};

#[cfg(seawall_loom)]
pub(crate) use loom::sync::MutexGuard;
#[cfg(seawall_loom)]
pub(crate) use modelled::Mutex;

#[cfg(seawall_loom)]
mod modelled {
    use loom::sync::MutexGuard;

    /// loom's mutex with the interface of `parking_lot`'s.
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        #[expect(clippy::unwrap_used, reason = "a model in which a thread panicked has failed")]
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }
}
