//! Readiness, as a state that can be watched.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

#[derive(Debug)]
pub(crate) struct ReadinessCell {
    ready: watch::Sender<bool>,
    asked: AtomicBool,
}

impl ReadinessCell {
    pub(crate) fn new() -> Self {
        Self { ready: watch::Sender::new(true), asked: AtomicBool::new(false) }
    }

    pub(crate) fn watch(&self) -> Readiness {
        self.asked.store(true, Ordering::Relaxed);
        Readiness(self.ready.subscribe())
    }

    /// Whether anybody has asked for it.
    pub(crate) fn was_asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }

    pub(crate) fn turn_off(&self) {
        self.ready.send_if_modified(|ready| std::mem::replace(ready, false));
    }
}

/// Whether new requests are welcome. For a readiness probe: answer 503 once it is not ready.
#[derive(Clone, Debug)]
pub struct Readiness(watch::Receiver<bool>);

impl Readiness {
    /// Whether new requests are welcome.
    pub fn is_ready(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits until new requests are no longer welcome. Cancel safe.
    pub async fn not_ready(&mut self) {
        // The sender is gone only with the coordinator, which then can't make anything ready.
        let _ = self.0.wait_for(|ready| !ready).await;
    }
}
