//! What telemetry and consoles see of an adaptive limit.

use seawall_core::Reporter;
use seawall_core::inspect::{Counter, Gauge, Inspect, Measures, Settings};

use super::AdaptiveLimit;

impl Inspect for AdaptiveLimit {
    fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        let snapshot = self.snapshot();
        measures.gauge(Gauge::Limit, snapshot.limit.into());
        measures.gauge(Gauge::InFlight, snapshot.in_flight.into());
        measures.gauge(
            Gauge::Lingering,
            f64::from(u32::try_from(snapshot.lingering).unwrap_or(u32::MAX)),
        );
        measures.counter(Counter::Refused, snapshot.refused);
        measures.counter(Counter::WouldRefuse, snapshot.would_refuse);
        self.reporter.measure(measures);
    }

    fn settings(&self) -> Settings {
        let (range, algorithm) = self.shared.adapts();
        let shadow = self.shared.is_shadow();
        Settings::new()
            .with("min", range.min)
            .with("max", range.max)
            .with("initial", range.initial)
            .with("adaptation", algorithm)
            .with("shadow", shadow)
    }
}
