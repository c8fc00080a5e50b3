//! What telemetry and consoles see of a congestion control.

use seawall_core::inspect::{Counter, Gauge, Inspect, Measures, Settings};
use seawall_core::{CircuitState, Reporter};

use super::CongestionControl;

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
        let open = (CircuitState::Open, snapshot.down, snapshot.time_down);
        let closed = snapshot.age.saturating_sub(snapshot.time_down);
        for (state, is_current, time) in [(CircuitState::Closed, !snapshot.down, closed), open] {
            measures.state(state, is_current, time);
        }
        self.shared.reporter.measure(measures);
    }

    fn settings(&self) -> Settings {
        Settings::new()
            .with("max_attempts", self.shared.settings.max_attempts)
            .with("idempotent", self.shared.settings.idempotent)
            .with("hedging", self.shared.settings.hedging)
    }
}
