//! What telemetry and consoles see of a breaker.

use seawall_core::inspect::{Counter, Gauge, Inspect, Measures, Order, OrderError};
use seawall_core::{Reporter, Settings};

use crate::Breaker;

impl Inspect for Breaker {
    fn reporter(&self) -> &Reporter {
        &self.0.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        let snapshot = self.snapshot();
        let (window, totals) = (snapshot.window, snapshot.totals);
        for (gauge, value) in [
            (Gauge::WindowCalls, window.samples),
            (Gauge::WindowFailures, window.failures),
            (Gauge::WindowSlow, window.slow),
            (Gauge::ProbesInFlight, snapshot.probes_in_flight),
            (Gauge::OpenDue, u32::from(snapshot.due)),
        ] {
            measures.gauge(gauge, value.into());
        }
        for (counter, total) in [
            (Counter::Openings, totals.openings),
            (Counter::Reopenings, totals.reopenings),
            (Counter::Failures, totals.failures),
            (Counter::TimedOut, totals.timed_out),
            (Counter::SlowCalls, totals.slow),
            (Counter::Stale, totals.stale),
            (Counter::Abandoned, totals.abandoned),
        ] {
            measures.counter(counter, total);
        }
        for (reason, total) in totals.refused_by_reason {
            measures.refusals(reason, total);
        }
        for (state, time) in snapshot.time_in_states {
            measures.state(state, state == snapshot.state, time);
        }
    }

    fn settings(&self) -> Settings {
        self.0.peek(|machine| machine.settings().values())
    }

    fn order(&self, order: &Order) -> Result<(), OrderError> {
        match order {
            Order::Reset => self.reset(),
            Order::ForceOpen => self.force_open(),
            Order::ForceClosed => self.force_closed(),
            Order::Shadow => self.shadow(),
            Order::Release => self.release(),
            _ => return Err(OrderError::unsupported(self.policy_kind(), order)),
        }
        Ok(())
    }
}
