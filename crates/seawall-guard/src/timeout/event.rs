//! What a timeout reports.

use seawall_core::{Event, PanicReport, PolicyKind, TimedOut, What};
use tokio::time::Instant;

use super::Timeout;

/// A call was cut off.
pub(super) fn timed_out(timeout: &Timeout, now: Instant, error: &TimedOut) {
    timeout.listeners.emit(|| {
        Event::new(timeout.name.clone(), PolicyKind::Timeout, now, What::TimedOut(error.clone()))
    });
}

/// The function that decides on limits panicked.
pub(super) fn panicked(timeout: &Timeout, report: &PanicReport) {
    timeout.listeners.emit(|| {
        Event::new(
            timeout.name.clone(),
            PolicyKind::Timeout,
            Instant::now(),
            What::Panicked(report.clone()),
        )
    });
}
