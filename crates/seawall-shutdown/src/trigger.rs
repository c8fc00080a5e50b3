//! Whether something has happened, and what made it happen first.

use seawall_core::sync::{AtomicUsize, Mutex, Ordering};

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
        // Under the lock and after the reason: a thread that sees the flag finds a reason.
        self.fired.store(1, Ordering::Release);
        true
    }

    /// Whether it was fired. One load.
    pub(crate) fn has_fired(&self) -> bool {
        self.fired.load(Ordering::Acquire) != 0
    }

    /// What it was fired with first.
    pub(crate) fn reason(&self) -> Option<R> {
        self.reason.lock().clone()
    }
}
