//! What a retry reports.

use std::time::Duration;

use seawall_core::{Class, Event, EventKind, PanicReport, PolicyKind, StopReason};
use tokio::time::Instant;

use super::Retry;

impl<J> Retry<J> {
    #[inline]
    fn emit(&self, kind: impl FnOnce() -> EventKind) {
        self.listeners
            .emit(|| Event::new(self.name.clone(), PolicyKind::Retry, Instant::now(), kind()));
    }

    #[inline]
    pub(super) fn tell_retrying(&self, attempt: u32, class: Class, delay: Duration) {
        self.emit(|| EventKind::retrying(attempt, class, delay));
    }

    pub(super) fn tell_gave_up(&self, attempts: u32, why: StopReason, class: Class) {
        self.emit(|| EventKind::gave_up(attempts, why, class));
    }

    #[cold]
    pub(super) fn tell_panicked(&self, report: PanicReport) {
        self.emit(|| EventKind::Panicked(report));
    }
}
