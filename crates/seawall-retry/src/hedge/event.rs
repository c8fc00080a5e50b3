//! What a hedge reports.

use seawall_core::{Class, Event, PanicReport, PolicyKind, StopReason, What};
use tokio::time::Instant;

use super::Hedge;

impl<J> Hedge<J> {
    fn emit(&self, what: impl FnOnce() -> What) {
        self.listeners
            .emit(|| Event::new(self.name.clone(), PolicyKind::Hedge, Instant::now(), what()));
    }

    pub(super) fn tell_hedged(&self, attempt: u32) {
        self.emit(|| What::hedged(attempt));
    }

    pub(super) fn tell_gave_up(&self, attempts: u32, why: StopReason, class: Class) {
        self.emit(|| What::gave_up(attempts, why, class));
    }

    #[cold]
    pub(super) fn tell_panicked(&self, report: PanicReport) {
        self.emit(|| What::Panicked(report));
    }
}
