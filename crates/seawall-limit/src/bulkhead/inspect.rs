//! What telemetry and consoles see of a bulkhead.

use seawall_core::Reporter;
use seawall_core::inspect::{Counter, Gauge, Inspect, Measures, Order, OrderError, Settings};

use super::Bulkhead;

impl Inspect for Bulkhead {
    fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        let snapshot = self.snapshot();
        measures.gauge(Gauge::Limit, snapshot.limit.into());
        measures.gauge(Gauge::InFlight, snapshot.in_flight.into());
        measures.gauge(Gauge::Queued, snapshot.queued.into());
        measures.counter(Counter::Refused, snapshot.refused);
        self.reporter.measure(measures);
    }

    fn settings(&self) -> Settings {
        let limiter = &self.shared.limiter;
        Settings::new()
            .with("limit", self.snapshot().limit)
            .with("queue", limiter.longest_wait.map(|_| limiter.semaphore.queue_capacity()))
            .with("longest_wait", limiter.longest_wait)
    }

    fn order(&self, order: &Order) -> Result<(), OrderError> {
        match order {
            Order::SetLimit(limit) => Ok(self.set_limit(*limit)?),
            _ => Err(OrderError::unsupported(self.policy_kind(), order)),
        }
    }
}
