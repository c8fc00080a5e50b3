//! What a breaker tells its listeners.

use std::cell::Cell;
use std::time::Duration;

use seawall_core::{Event, EventKind, PolicyKind};
use tokio::time::Instant;

use crate::inner::Inner;
use crate::machine::{Happened, Refusal};
use crate::shell::Report;
use crate::time::Nanos;

impl Inner {
    #[inline]
    pub(crate) fn is_heard(&self) -> bool {
        self.listeners.get().is_some_and(|listeners| !listeners.is_empty())
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn tell_refusal(&self, refusal: Refusal, at: Instant, now: Nanos) {
        self.emit(at, || EventKind::Rejected(self.rejection(refusal, now)));
    }

    #[cold]
    #[inline(never)]
    pub(crate) fn tell_slow(&self, elapsed: Nanos) {
        self.emit(Instant::now(), || EventKind::slow_call(Duration::from_nanos(elapsed)));
    }

    /// Tells the listeners of what needs no order. What a listener causes by calling a breaker
    /// while it is told is counted but not told: a listener that makes a call when one is refused
    /// would be told without end.
    pub(crate) fn emit(&self, at: Instant, kind: impl FnOnce() -> EventKind) {
        thread_local! {
            static TELLING: Cell<bool> = const { Cell::new(false) };
        }
        if !self.is_heard() || TELLING.replace(true) {
            return;
        }
        if let Some(listeners) = self.listeners.get() {
            // Listeners' panics are contained: this returns.
            listeners.emit(|| Event::new(self.name.clone(), PolicyKind::Breaker, at, kind()));
        }
        TELLING.set(false);
    }
}

impl Report for Inner {
    fn queue(&self, happened: &mut Happened, now: Nanos) {
        let Some(listeners) = self.listeners.get() else {
            happened.clear();
            return;
        };
        let at = self.instant(now);
        let transition = |kind: &mut EventKind| {
            matches!(kind, EventKind::Transition(_) | EventKind::Shadowed(_))
        };
        for kind in happened.extract_if(.., transition) {
            listeners.queue(|| Event::new(self.name.clone(), PolicyKind::Breaker, at, kind));
        }
    }

    fn deliver(&self, rest: Happened, now: Nanos, opened: bool) {
        if opened {
            self.draw_waits();
        }
        self.wake();
        if let Some(listeners) = self.listeners.get() {
            listeners.deliver();
        }
        // Not in the queue: there may be any number of them, and the queue has an end.
        for kind in rest {
            self.emit(self.instant(now), || kind);
        }
    }
}
