//! Captures of a thread that panics.

use std::thread;

use seawall_core::contain;

use super::Capture;
use super::delivering::delivering;
use crate::store::Seen;

impl Capture {
    /// Runs the part of a capture that calls the user's code: rules, the store, observers.
    ///
    /// On a thread that panics it runs on another thread. A panic hook may capture, and a panic
    /// *within a hook* aborts the process, even where it would have been contained.
    pub(super) fn apart(&self, work: impl FnOnce() -> Seen + Send) -> Seen {
        if !thread::panicking() {
            return work();
        }
        thread::scope(|scope| {
            let builder = thread::Builder::new().name("seawall-capture".into());
            let spawned = builder.spawn_scoped(scope, || delivering(|| contain(work)));
            let done = spawned.ok().and_then(|thread| thread.join().ok());
            done.and_then(Result::ok).unwrap_or_else(|| self.panicked())
        })
    }
}
