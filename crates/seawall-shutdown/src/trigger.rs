//! The word behind the trigger: fired or not, and by what first.

use crate::sync::{AtomicUsize, Mutex, Ordering};

/// Can be fired any number of times from any number of threads; the first is kept.
#[derive(Debug)]
pub(crate) struct Trigger<R> {
    fired: AtomicUsize,
    reason: Mutex<Option<R>>,
}

impl<R: Clone> Trigger<R> {
    pub(crate) fn new() -> Self {
        Self { fired: AtomicUsize::new(0), reason: Mutex::new(None) }
    }

    /// Fires. Says whether this was the first time.
    pub(crate) fn fire(&self, reason: R) -> bool {
        let mut kept = self.reason.lock();
        if kept.is_some() {
            return false;
        }
        *kept = Some(reason);
        // Under the lock and after the reason: who sees the flag finds a reason.
        self.fired.store(1, Ordering::Release);
        true
    }

    /// Whether it was fired. One load.
    #[inline]
    pub(crate) fn has_fired(&self) -> bool {
        self.fired.load(Ordering::Acquire) != 0
    }

    /// By what it was fired first.
    pub(crate) fn reason(&self) -> Option<R> {
        self.reason.lock().clone()
    }
}
