//! The events of a panic guard.

use seawall_core::{Event, EventKind, PanicReport, PolicyKind};
use tokio::time::Instant;

use super::PanicGuard;

/// A panic was caught.
pub(super) fn panicked(guard: &PanicGuard, report: &PanicReport) {
    emit(guard, || EventKind::Panicked(report.clone()));
}

/// The guard can't catch anything.
pub(super) fn ineffective(guard: &PanicGuard) {
    emit(guard, || EventKind::ineffective("the program is built with panic = \"abort\""));
}

fn emit(guard: &PanicGuard, what: impl FnOnce() -> EventKind) {
    guard
        .0
        .listeners
        .emit(|| Event::new(guard.0.name.clone(), PolicyKind::PanicGuard, Instant::now(), what()));
}
