//! The events of a breaker.

use seawall_core::{Counted, EventKind};

use crate::machine::Effects;
use crate::shared::Circuit;
use crate::time::Nanos;

impl Circuit {
    /// Reports an event that needs no order.
    pub(crate) fn report(&self, now: Nanos, kind: impl FnOnce() -> EventKind) {
        if self.reporter.is_heard() {
            self.reporter.report_at(self.instant(now), kind());
        }
    }

    /// Queues the transitions among `effects`, in order, and takes them out. Called under the lock.
    pub(crate) fn queue(&self, effects: &mut Effects, now: Nanos) {
        for kind in effects.iter() {
            if let EventKind::Transition(transition) = kind {
                self.reporter.count(Counted::transition(transition.from, transition.to));
            }
        }
        if !self.reporter.is_heard() {
            effects.clear();
            return;
        }
        let at = self.instant(now);
        let transition = |kind: &mut EventKind| {
            matches!(kind, EventKind::Transition(_) | EventKind::Shadowed(_))
        };
        for kind in effects.extract_if(.., transition) {
            self.reporter.queue(at, kind);
        }
    }

    /// Reports the queued transitions and the rest, and draws the next waits if the circuit has
    /// `opened`. Called after the lock was released.
    pub(crate) fn deliver(&self, rest: Effects, now: Nanos, opened: bool) {
        if opened {
            self.draw_waits();
        }
        self.wake();
        self.reporter.deliver();
        // Not queued: there may be any number of them, and the queue is bounded.
        for kind in rest {
            self.report(now, || kind);
        }
    }
}
