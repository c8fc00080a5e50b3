//! The events of a timeout.

use seawall_core::{Event, EventKind, PanicReport, PolicyKind, TimedOut};
use tokio::time::Instant;

use super::policy::Identity;

/// A call was cut off.
pub(super) fn timed_out(identity: &Identity, now: Instant, error: &TimedOut) {
    identity.listeners.emit(|| {
        Event::new(
            identity.name.clone(),
            PolicyKind::Timeout,
            now,
            EventKind::TimedOut(error.clone()),
        )
    });
}

/// The function that decides on limits panicked.
pub(super) fn panicked(identity: &Identity, report: &PanicReport) {
    identity.listeners.emit(|| {
        Event::new(
            identity.name.clone(),
            PolicyKind::Timeout,
            Instant::now(),
            EventKind::Panicked(report.clone()),
        )
    });
}
