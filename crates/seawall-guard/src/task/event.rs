//! What tasks and supervisors report.

use seawall_core::{Class, Event, Listeners, Name, PanicReport, PolicyKind, StopReason, What};
use tokio::time::Instant;

/// Tells `listeners` what the task `name` did.
pub(super) fn emit(
    listeners: &Listeners,
    name: &Name,
    kind: PolicyKind,
    what: impl FnOnce() -> What,
) {
    listeners.emit(|| Event::new(name.clone(), kind, Instant::now(), what()));
}

/// A task panicked.
pub(super) fn panicked(listeners: &Listeners, name: &Name, kind: PolicyKind, report: &PanicReport) {
    emit(listeners, name, kind, || What::Panicked(report.clone()));
}

/// A child is started again.
pub(super) fn restarted(listeners: &Listeners, name: &Name, restarts: u32) {
    emit(listeners, name, PolicyKind::Supervisor, || What::restarted(restarts));
}

/// A supervisor gave up.
pub(super) fn gave_up(listeners: &Listeners, name: &Name, starts: u32, class: Class) {
    emit(listeners, name, PolicyKind::Supervisor, || {
        What::gave_up(starts, StopReason::Attempts, class)
    });
}
