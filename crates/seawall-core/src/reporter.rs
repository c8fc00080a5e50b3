//! What a policy reports, and under which name.

use tokio::time::Instant;

use crate::{Event, EventKind, Listeners, Name, PolicyKind, Reason, Rejection};

/// The name and kind of a policy, and the listeners that receive its events.
///
/// A policy keeps one of these and reports through it. Where nobody listens a report costs one load
/// and makes no event. Report outside of every lock: listeners are the user's code.
#[derive(Clone, Debug)]
pub struct Reporter {
    name: Name,
    kind: PolicyKind,
    listeners: Listeners,
}

impl Reporter {
    /// Reports to `listeners` as the policy `name` of kind `kind`.
    pub const fn new(name: Name, kind: PolicyKind, listeners: Listeners) -> Self {
        Self { name, kind, listeners }
    }

    /// The policy's name.
    pub const fn name(&self) -> &Name {
        &self.name
    }

    /// Its kind.
    pub const fn kind(&self) -> PolicyKind {
        self.kind
    }

    /// The listeners that receive its events.
    pub const fn listeners(&self) -> &Listeners {
        &self.listeners
    }

    /// The same under the name `name[key]`.
    #[must_use]
    pub fn for_key(&self, key: impl std::fmt::Display) -> Self {
        Self { name: self.name.for_key(key), ..self.clone() }
    }

    /// Whether anybody listens. One load.
    #[inline]
    pub fn is_heard(&self) -> bool {
        !self.listeners.is_empty()
    }

    /// Reports what happened now. `kind` is made only if somebody listens.
    pub fn report(&self, kind: impl FnOnce() -> EventKind) {
        if self.is_heard() {
            self.report_at(Instant::now(), kind());
        }
    }

    /// Reports what happened at `at`.
    pub fn report_at(&self, at: Instant, kind: EventKind) {
        self.listeners.emit(|| self.event(at, kind));
    }

    /// Queues what happened at `at`, to be reported in the order of these calls: under the lock
    /// that orders the events, with [`deliver`](Self::deliver) after it was released.
    pub fn queue(&self, at: Instant, kind: EventKind) {
        self.listeners.queue(|| self.event(at, kind));
    }

    /// Reports what is queued.
    pub fn deliver(&self) {
        self.listeners.deliver();
    }

    /// A rejection by this policy, which is not reported yet.
    #[inline]
    pub fn rejection(&self, reason: Reason) -> Rejection {
        Rejection::new(self.name.clone(), self.kind, reason)
    }

    /// Refuses a call: makes the rejection and reports it.
    pub fn refuse(&self, reason: Reason) -> Rejection {
        self.refused(self.rejection(reason))
    }

    /// Reports a rejection, and returns it.
    #[inline]
    pub fn refused(&self, rejection: Rejection) -> Rejection {
        if self.is_heard() { self.report_refused(rejection) } else { rejection }
    }

    // Out of line, so that a refusal that no listener receives is built where the caller wants it.
    #[cold]
    fn report_refused(&self, rejection: Rejection) -> Rejection {
        self.report_at(Instant::now(), EventKind::Rejected(rejection.clone()));
        rejection
    }

    fn event(&self, at: Instant, kind: EventKind) -> Event {
        Event::new(self.name.clone(), self.kind, at, kind)
    }
}
