//! What a retry reports.

use std::time::Duration;

use seawall_core::{Class, Event, PanicReport, PolicyKind, StopReason, What};
use tokio::time::Instant;

use super::Retry;

impl<J> Retry<J> {
    #[inline]
    fn emit(&self, what: impl FnOnce() -> What) {
        self.listeners
            .emit(|| Event::new(self.name.clone(), PolicyKind::Retry, Instant::now(), what()));
    }

    #[inline]
    pub(super) fn tell_retrying(&self, attempt: u32, class: Class, delay: Duration) {
        self.emit(|| What::retrying(attempt, class, delay));
    }

    pub(super) fn tell_gave_up(&self, attempts: u32, why: StopReason, class: Class) {
        self.emit(|| What::gave_up(attempts, why, class));
    }

    #[cold]
    pub(super) fn tell_panicked(&self, report: PanicReport) {
        self.emit(|| What::Panicked(report));
    }
}
