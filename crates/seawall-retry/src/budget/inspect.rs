//! What telemetry and consoles see of a budget.

use seawall_core::Reporter;
use seawall_core::inspect::{Counter, Gauge, Inspect, Measures, Settings, Value};

use super::Budget;
use super::policy::wholes;

impl Inspect for Budget {
    fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        let snapshot = self.snapshot();
        if let Some(tokens) = snapshot.tokens {
            measures.gauge(Gauge::Tokens, tokens);
        }
        measures.counter(Counter::Granted, snapshot.granted);
        measures.counter(Counter::Refused, snapshot.refused);
    }

    fn settings(&self) -> Settings {
        let plan = self.inner.tokens.plan();
        let tokens = |amount: u64| Value::Number(wholes(amount));
        Settings::new()
            .with("deposit", tokens(plan.deposit))
            .with("cost", tokens(plan.cost))
            .with("reserve", tokens(plan.reserve))
            .with("capacity", tokens(plan.capacity))
            .with("refill_per_second", tokens(plan.per_second))
    }
}
