//! The events of a fallback.

use seawall_core::{
    Class, Event, EventKind, Evidence, PanicReport, PolicyKind, Reason, Rejection, Rule,
};
use tokio::time::Instant;

use super::policy::Shared;

/// The operation's place was taken.
pub(super) fn degraded<T, E>(fallback: &Shared<T, E>, class: Class) {
    emit(fallback, || EventKind::degraded(class));
}

/// The fallback declined or failed.
pub(super) fn failed<T, E>(fallback: &Shared<T, E>, class: Class) {
    emit(fallback, || EventKind::fallback_failed(class));
}

/// The fallback, or the function that decides on classes, panicked.
pub(super) fn panicked<T, E>(fallback: &Shared<T, E>, report: &PanicReport) {
    emit(fallback, || EventKind::Panicked(report.clone()));
}

/// Too many fallbacks are under way.
pub(super) fn full<T, E>(fallback: &Shared<T, E>) {
    emit(fallback, || {
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let (taken, max) = (count(fallback.permits.taken()), count(fallback.permits.max()));
        let evidence = Evidence::new(Rule::InFlight, taken.into(), max.into(), 0);
        let name = fallback.name.clone();
        EventKind::Rejected(
            Rejection::new(name, PolicyKind::Fallback, Reason::Full).because(evidence),
        )
    });
}

fn emit<T, E>(fallback: &Shared<T, E>, what: impl FnOnce() -> EventKind) {
    fallback
        .listeners
        .emit(|| Event::new(fallback.name.clone(), PolicyKind::Fallback, Instant::now(), what()));
}
