//! What a hedge reports.

use seawall_core::{Class, Event, EventKind, PanicReport, PolicyKind, StopReason};
use tokio::time::Instant;

use super::Hedge;

impl<J> Hedge<J> {
    fn emit(&self, kind: impl FnOnce() -> EventKind) {
        self.listeners
            .emit(|| Event::new(self.name.clone(), PolicyKind::Hedge, Instant::now(), kind()));
    }

    pub(super) fn tell_hedged(&self, attempt: u32) {
        self.emit(|| EventKind::hedged(attempt));
    }

    pub(super) fn tell_gave_up(&self, attempts: u32, why: StopReason, class: Class) {
        self.emit(|| EventKind::gave_up(attempts, why, class));
    }

    #[cold]
    pub(super) fn tell_panicked(&self, report: PanicReport) {
        self.emit(|| EventKind::Panicked(report));
    }
}
