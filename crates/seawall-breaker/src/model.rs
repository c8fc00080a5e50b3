//! A breaker whose callers pass the time, for the model checker. Exists under `--cfg seawall_loom`
//! only.
#![allow(missing_docs, missing_debug_implementations, clippy::missing_panics_doc)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seawall_core::{Event, EventKind, Listeners, PolicyKind, Reporter, Timeline};
use tokio::time::Instant;

use crate::BreakerBuilder;
use crate::machine::Machine;
pub use crate::permit::Settlement;
use crate::shared::{Admitted, Circuit, Uncounted};
use crate::time::Nanos;

pub struct Model {
    shared: Circuit,
    transitions: Arc<AtomicUsize>,
}

#[derive(Clone, Copy)]
pub struct Call(Admitted);

impl Model {
    /// As after two threads have met at the first counter: with less to check.
    pub fn new(builder: BreakerBuilder) -> Self {
        let model = Self::fresh(builder);
        model.shared.spread();
        model
    }

    pub fn fresh(builder: BreakerBuilder) -> Self {
        let settings = builder.settings().expect("a valid configuration");
        let waits = settings.wait.draw(0, None);
        let machine = Machine::new(Arc::new(settings), waits, 0);
        let transitions = Arc::new(AtomicUsize::new(0));
        let listeners = Listeners::default();
        let counted = Arc::clone(&transitions);
        listeners.add(move |event: &Event| {
            if let EventKind::Transition(_) = event.kind {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        let timeline = Timeline::since(Instant::now());
        let reporter = Reporter::new("model".into(), PolicyKind::Breaker, listeners);
        Self { shared: Circuit::of(machine, timeline, reporter), transitions }
    }

    pub fn admit(&self, now: Nanos) -> Option<Call> {
        self.shared.try_admit().or_else(|| self.shared.admit(now).ok()).map(Call)
    }

    pub fn succeed(&self, call: Call, now: Nanos) -> Settlement {
        if self.shared.skips_success(call.0) {
            return Settlement::Counted;
        }
        self.shared.record_at(call.0, false, None, now)
    }

    pub fn fail(&self, call: Call, now: Nanos) -> Settlement {
        self.shared.record_at(call.0, true, None, now)
    }

    pub fn drop_call(&self, call: Call, now: Nanos) {
        self.shared.give_back(call.0, Uncounted::Abandoned, now);
    }

    /// The terms of a refusal at `now`: since when, until when, why.
    pub fn refusal(&self, now: Nanos) -> Option<(Nanos, Nanos, &'static str)> {
        let terms = self.shared.cached_refusal(now)?.terms;
        let rule = terms.evidence.get().map_or("none", |evidence| evidence.rule.as_str());
        Some((terms.since, terms.until, rule))
    }

    pub fn transitions(&self) -> usize {
        self.transitions.load(Ordering::SeqCst)
    }

    pub fn probes_in_flight(&self) -> u32 {
        self.shared.peek(Machine::probes_in_flight)
    }

    pub fn failures_in_a_row(&self) -> u32 {
        self.shared.read(0, |machine, _| machine.counts().consecutive_failures)
    }

    pub fn successes(&self, now: Nanos) -> u64 {
        self.shared.read(now, |machine, _| machine.totals().successes)
    }

    pub fn samples(&self, now: Nanos) -> u32 {
        self.shared.read(now, |machine, _| machine.counts().samples)
    }
}
