//! What telemetry and consoles see of a keyed rate limit: the set as one, never a key.

use seawall_core::inspect::{Counter, Gauge, Inspect, Measures};
use seawall_core::{Reason, Reporter};

use super::KeyedRateLimit;

impl<K: Send + Sync> Inspect for KeyedRateLimit<K> {
    fn reporter(&self) -> &Reporter {
        &self.shared.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        let snapshot = self.snapshot();
        measures.gauge(Gauge::Keys, f64::from(u32::try_from(snapshot.keys).unwrap_or(u32::MAX)));
        measures.counter(Counter::Evicted, snapshot.evicted);
        measures.counter(Counter::Overflowed, snapshot.overflowed);
        measures.refusals(Reason::RateLimited, snapshot.refused);
    }
}
