//! What telemetry and consoles see of a rate limit.

use seawall_core::inspect::{Gauge, Inspect, Measures, Settings};
use seawall_core::{Counted, Reason, Reporter};

use super::RateLimit;

impl Inspect for RateLimit {
    fn reporter(&self) -> &Reporter {
        &self.reporter
    }

    fn measure(&self, measures: &mut dyn Measures) {
        let snapshot = self.snapshot();
        let queued = u32::try_from(snapshot.queued).unwrap_or(u32::MAX);
        let available = u32::try_from(snapshot.available).unwrap_or(u32::MAX);
        measures.gauge(Gauge::Queued, queued.into());
        measures.gauge(Gauge::Tokens, available.into());
        if self.reporter.counted(Counted::Refused(Reason::RateLimited)) == 0 {
            measures.refusals(Reason::RateLimited, 0);
        }
        self.reporter.measure(measures);
    }

    fn settings(&self) -> Settings {
        let snapshot = self.snapshot();
        let (capacity, longest_wait) = self.shared.queue.unzip();
        Settings::new()
            .with("rate", snapshot.permits)
            .with("period", snapshot.period)
            .with("burst", snapshot.burst)
            .with("algorithm", self.shared.algorithm.as_str())
            .with("queue", capacity)
            .with("longest_wait", longest_wait)
    }
}
