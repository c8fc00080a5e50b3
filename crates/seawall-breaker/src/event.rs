//! The events of a breaker.

use std::cell::Cell;

use seawall_core::{Event, EventKind, PolicyKind};

use crate::machine::Effects;
use crate::shared::Shared;
use crate::time::Nanos;

impl Shared {
    #[inline]
    pub(crate) fn is_heard(&self) -> bool {
        self.listeners.get().is_some_and(|listeners| !listeners.is_empty())
    }

    /// Reports an event that needs no order. Events that a listener causes by calling a breaker are
    /// not reported: a listener that makes a call when one is refused would never end.
    pub(crate) fn emit(&self, now: Nanos, kind: impl FnOnce() -> EventKind) {
        thread_local! {
            static REPORTING: Cell<bool> = const { Cell::new(false) };
        }
        if !self.is_heard() || REPORTING.replace(true) {
            return;
        }
        if let Some(listeners) = self.listeners.get() {
            // Listeners' panics are contained: this returns.
            let at = self.instant(now);
            listeners.emit(|| Event::new(self.name.clone(), PolicyKind::Breaker, at, kind()));
        }
        REPORTING.set(false);
    }
}

impl Shared {
    /// Queues the transitions among `effects`, in order, and takes them out. Called under the lock.
    pub(crate) fn queue(&self, effects: &mut Effects, now: Nanos) {
        let Some(listeners) = self.listeners.get() else {
            effects.clear();
            return;
        };
        let at = self.instant(now);
        let transition = |kind: &mut EventKind| {
            matches!(kind, EventKind::Transition(_) | EventKind::Shadowed(_))
        };
        for kind in effects.extract_if(.., transition) {
            listeners.queue(|| Event::new(self.name.clone(), PolicyKind::Breaker, at, kind));
        }
    }

    /// Reports the queued transitions and the rest, and draws the next waits if the circuit has
    /// `opened`. Called after the lock was released.
    pub(crate) fn deliver(&self, rest: Effects, now: Nanos, opened: bool) {
        if opened {
            self.draw_waits();
        }
        self.wake();
        if let Some(listeners) = self.listeners.get() {
            listeners.deliver();
        }
        // Not queued: there may be any number of them, and the queue is bounded.
        for kind in rest {
            self.emit(now, || kind);
        }
    }
}
