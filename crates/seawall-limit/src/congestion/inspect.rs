//! What telemetry and consoles see of a congestion control.

use seawall_core::inspect::{Counter, Gauge, Inspect, Measures, Order, OrderError, Settings};
use seawall_core::{CircuitState, Reporter};

use super::{CongestionControl, CongestionSnapshot};

impl Inspect for CongestionControl {
    fn reporter(&self) -> &Reporter {
        &self.shared.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        let snapshot = self.snapshot();
        measures.gauge(Gauge::Limit, snapshot.limit);
        measures.gauge(Gauge::InFlight, snapshot.in_flight.into());
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        measures.gauge(Gauge::Queued, snapshot.waiting as f64);
        #[expect(clippy::cast_precision_loss, reason = "at most a million")]
        measures.gauge(Gauge::Lingering, snapshot.lingering as f64);
        measures.gauge(Gauge::Tokens, snapshot.tokens.into());
        measures.counter(Counter::Refused, snapshot.refused);
        let CongestionSnapshot { time_down, time_forced_open, .. } = snapshot;
        for (state, time) in [
            (CircuitState::Closed, snapshot.age.saturating_sub(time_down + time_forced_open)),
            (CircuitState::Open, time_down),
            (CircuitState::ForcedOpen, time_forced_open),
        ] {
            measures.state(state, state == snapshot.circuit(), time);
        }
        self.shared.reporter.measure(measures);
    }

    fn settings(&self) -> Settings {
        Settings::new()
            .with("max_attempts", self.shared.settings().max_attempts)
            .with("idempotent", self.shared.settings().idempotent)
            .with("hedging", self.shared.settings().hedging)
    }

    fn order(&self, order: &Order) -> Result<(), OrderError> {
        match order {
            Order::ForceOpen => self.force_open(),
            Order::Release => self.release(),
            _ => return Err(OrderError::unsupported(self.policy_kind(), order)),
        }
        Ok(())
    }
}
