//! What the circuits did: how long in which state.

use std::sync::{Arc, Mutex, PoisonError};

use seawall::{CircuitState, Event, EventKind};
use tokio::time::Instant;

use super::Client;
use crate::time::{Nanos, seconds};

/// A picture shows this many changes at most.
const BANDS: usize = 10_000;

/// The circuits of all clients of a run.
#[derive(Debug)]
pub(crate) struct States {
    origin: Instant,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    /// Of each client: since when its circuit is in which state.
    now: Vec<Option<(Nanos, CircuitState)>>,
    totals: Vec<(&'static str, Nanos)>,
    /// Changes of the first client's circuit.
    bands: Vec<(Nanos, &'static str)>,
}

impl States {
    pub(crate) fn new(origin: Instant) -> Arc<Self> {
        Arc::new(Self { origin, inner: Mutex::default() })
    }

    /// Hears of the circuits of client `number`.
    pub(crate) fn watch(self: &Arc<Self>, client: &dyn Client, number: u64) {
        let Some(listeners) = client.listeners() else { return };
        let states = Arc::clone(self);
        listeners.add(move |event: &Event| {
            if let EventKind::Transition(change) = &event.kind {
                states.changed(number, event.at, change.from, change.to);
            }
        });
    }

    #[expect(clippy::cast_possible_truncation, reason = "runs are shorter than 500 years")]
    fn changed(&self, client: u64, at: Instant, from: CircuitState, to: CircuitState) {
        let at = at.saturating_duration_since(self.origin).as_nanos() as Nanos;
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let index = usize::try_from(client).unwrap_or(usize::MAX);
        if inner.now.len() <= index {
            inner.now.resize(index + 1, None);
        }
        let (since, _) = inner.now[index].replace((at, to)).unwrap_or((0, from));
        inner.spent(from, at.saturating_sub(since));
        if client == 0 && inner.bands.len() < BANDS {
            inner.bands.push((at, to.as_str()));
        }
    }

    /// The first client's changes, seconds in each state, and the share of the time not closed.
    #[expect(clippy::type_complexity, reason = "taken apart at once")]
    pub(crate) fn finish(
        &self,
        end: Nanos,
        clients: usize,
    ) -> (Vec<(Nanos, &'static str)>, Vec<(&'static str, f64)>, f64) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        for (since, state) in std::mem::take(&mut inner.now).into_iter().flatten() {
            inner.spent(state, end.saturating_sub(since));
        }
        let mut totals = std::mem::take(&mut inner.totals);
        totals.sort_unstable();
        let totals: Vec<_> = totals.into_iter().map(|(name, time)| (name, seconds(time))).collect();
        let closed = CircuitState::Closed.as_str();
        let not_closed: f64 =
            totals.iter().filter(|(name, _)| *name != closed).map(|(_, time)| time).sum();
        #[expect(clippy::cast_precision_loss, reason = "a number of clients")]
        let open = not_closed / (seconds(end.max(1)) * clients.max(1) as f64);
        (std::mem::take(&mut inner.bands), totals, open)
    }
}

impl Inner {
    fn spent(&mut self, state: CircuitState, time: Nanos) {
        match self.totals.iter_mut().find(|(name, _)| *name == state.as_str()) {
            Some((_, total)) => *total += time,
            None => self.totals.push((state.as_str(), time)),
        }
    }
}
