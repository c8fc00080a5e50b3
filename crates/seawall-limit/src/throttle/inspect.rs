//! What telemetry and consoles see of a throttle.

use seawall_core::Reporter;
use seawall_core::inspect::{Gauge, Inspect, Measures, Settings, Value};

use super::Throttle;

impl Inspect for Throttle {
    fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        let snapshot = self.snapshot();
        measures.gauge(Gauge::WindowCalls, snapshot.requests.into());
        measures.gauge(Gauge::ShedProbability, snapshot.probability);
        self.reporter.measure(measures);
    }

    fn settings(&self) -> Settings {
        let settings = self.shared.settings();
        Settings::new()
            .with("k", Value::Number(settings.k))
            .with("min_requests", settings.min_requests)
            .with("window", settings.window)
            .with("max_probability", Value::Share(settings.max_probability))
    }
}
