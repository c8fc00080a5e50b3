//! The caller that drives the shutdown, and how it is woken.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::thread::Thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::MutexGuard;
use tokio::time::Instant;

use crate::signals::SignalThread;

/// How much later than tokio's timers the signal thread wakes the driver: it is there for the case
/// that no thread of the runtime is free to turn them.
const ALARM_LAG: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
pub(crate) struct Driver {
    is_driven: AtomicBool,
    /// Held by the caller of `run` that drives; the others wait for it.
    lock: tokio::sync::Mutex<()>,
    waker: Mutex<Option<Waker>>,
    /// The thread that waits in `supervise`.
    supervisor: Mutex<Option<Thread>>,
    signals: OnceLock<SignalThread>,
}

impl Driver {
    /// Whether the shutdown is run, so that the grace period begins at the trigger.
    pub(crate) fn is_driven(&self) -> bool {
        self.is_driven.load(Ordering::SeqCst)
    }

    /// Waits until no other caller drives.
    pub(crate) async fn lock(&self) -> MutexGuard<'_, ()> {
        self.is_driven.store(true, Ordering::SeqCst);
        self.lock.lock().await
    }

    /// Wakes the driver and the supervising thread.
    pub(crate) fn wake(&self) {
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
        self.wake_supervisor();
    }

    pub(crate) fn wake_supervisor(&self) {
        if let Some(thread) = &*self.supervisor.lock() {
            thread.unpark();
        }
    }

    pub(crate) fn set_waker(&self, waker: &Waker) {
        let waker = waker.clone();
        let before = self.waker.lock().replace(waker);
        // Outside the lock: the last waker may drop a task, and that runs code of the user's.
        drop(before);
    }

    pub(crate) fn set_supervisor(&self, thread: Option<Thread>) {
        *self.supervisor.lock() = thread;
    }

    /// Has the signal thread wake the driver, too, at `wake_at` or not at all.
    pub(crate) fn set_alarm(&self, wake_at: Option<Instant>) {
        if let Some(signals) = self.signals.get() {
            signals.wake_at(wake_at.map(|at| (at + ALARM_LAG).into_std()));
        }
    }

    pub(crate) fn has_signal_thread(&self) -> bool {
        self.signals.get().is_some()
    }

    pub(crate) fn set_signal_thread(&self, signals: SignalThread) {
        // Set once by `build`, or once by the caller that drives.
        let _ = self.signals.set(signals);
    }
}
