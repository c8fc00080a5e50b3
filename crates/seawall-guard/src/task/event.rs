//! What tasks and supervisors report.

use seawall_core::{Class, Event, EventKind, Listeners, Name, PanicReport, PolicyKind, StopReason};
use tokio::time::Instant;

/// Tells `listeners` what the task `name` did.
pub(super) fn emit(
    listeners: &Listeners,
    name: &Name,
    policy_kind: PolicyKind,
    kind: impl FnOnce() -> EventKind,
) {
    listeners.emit(|| Event::new(name.clone(), policy_kind, Instant::now(), kind()));
}

/// A task panicked.
pub(super) fn panicked(listeners: &Listeners, name: &Name, kind: PolicyKind, report: &PanicReport) {
    emit(listeners, name, kind, || EventKind::Panicked(report.clone()));
}

/// A child is started again.
pub(super) fn restarted(listeners: &Listeners, name: &Name, restarts: u32) {
    emit(listeners, name, PolicyKind::Supervisor, || EventKind::restarted(restarts));
}

/// A supervisor gave up.
pub(super) fn gave_up(listeners: &Listeners, name: &Name, starts: u32, class: Class) {
    emit(listeners, name, PolicyKind::Supervisor, || {
        EventKind::gave_up(starts, StopReason::Attempts, class)
    });
}
