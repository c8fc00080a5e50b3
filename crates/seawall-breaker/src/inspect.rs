//! What telemetry and consoles see of a breaker.

use seawall_core::inspect::{Counter, Gauge, Inspect, Measures, Order, OrderError};
use seawall_core::{Counted, Reporter, Settings};

use crate::Breaker;
use crate::machine::table::TABLE;

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
            let would = self.0.reporter.counted(Counted::WouldRefuse(reason));
            measures.refusals(reason, total.saturating_sub(would));
        }
        let due = u64::try_from(snapshot.time_due.as_nanos()).unwrap_or(u64::MAX);
        measures.counter(Counter::OpenDueNanos, due);
        self.0.reporter.measure(measures);
        // Those that have not happened yet, so that their totals are there from the beginning.
        for (at, row) in TABLE.iter().enumerate() {
            let is_first = TABLE[..at].iter().all(|it| (it.from, it.to) != (row.from, row.to));
            if is_first && self.0.reporter.counted(Counted::transition(row.from, row.to)) == 0 {
                measures.transitions(row.from, row.to, 0);
            }
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
