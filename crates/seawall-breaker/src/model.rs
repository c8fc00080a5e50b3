//! The shell without clock and listeners, for the model checker. Exists under `--cfg seawall_loom`
//! only.
#![allow(missing_docs, missing_debug_implementations, clippy::missing_panics_doc)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use seawall_core::EventKind;

use crate::BreakerBuilder;
use crate::machine::{Happened, Machine, Settled};
use crate::shell::{Admitted, Entry, Nothing, Report, Shell};
use crate::time::Nanos;

pub struct Model {
    shell: Shell,
    told: Told,
}

#[derive(Default)]
struct Told(AtomicUsize);

impl Report for Told {
    fn queue(&self, happened: &mut Happened, _: Nanos) {
        let transitions = happened.iter().filter(|kind| matches!(kind, EventKind::Transition(_)));
        self.0.fetch_add(transitions.count(), Ordering::SeqCst);
        happened.clear();
    }

    fn deliver(&self, _: Happened, _: Nanos, _: bool) {}
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said {
    Counted,
    Stale,
    Unmeasured,
}

impl From<Settled> for Said {
    fn from(settled: Settled) -> Self {
        match settled {
            Settled::Counted => Self::Counted,
            Settled::Stale => Self::Stale,
            Settled::Unmeasured => Self::Unmeasured,
        }
    }
}

#[derive(Clone, Copy)]
pub struct Call(Admitted);

impl Model {
    /// As after two threads have met at the counters: with less to check.
    pub fn new(builder: BreakerBuilder) -> Self {
        let model = Self::fresh(builder);
        model.shell.spread();
        model
    }

    pub fn fresh(builder: BreakerBuilder) -> Self {
        let (_, settings) = builder.parts("model".into()).expect("a valid configuration");
        let waits = settings.wait.draw(0, None);
        let machine = Machine::new(Arc::new(settings), waits, 0);
        Self { shell: Shell::new(machine), told: Told::default() }
    }

    pub fn admit(&self, now: Nanos) -> Option<Call> {
        let gate = self.shell.gate();
        if gate.refuses() && self.shell.refuse_anyhow(now).is_some() {
            return None;
        }
        match self.shell.admit(gate, now, &self.told) {
            Entry::Admitted(admitted) | Entry::Shadowed(admitted, _) => Some(Call(admitted)),
            Entry::Refused(_) => None,
        }
    }

    pub fn succeed(&self, call: Call, now: Nanos) -> Said {
        if self.shell.succeeds_at_once(call.0) {
            return Said::Counted;
        }
        self.settle(call, false, now)
    }

    pub fn fail(&self, call: Call, now: Nanos) -> Said {
        self.settle(call, true, now)
    }

    fn settle(&self, call: Call, failed: bool, now: Nanos) -> Said {
        let plain = call.0.plain();
        if plain.is_some_and(|gate| self.shell.notes_at_once(gate, failed, || now)) {
            return Said::Counted;
        }
        self.shell.settle(call.0, failed, None, now, &self.told).0.into()
    }

    pub fn drop_call(&self, call: Call, now: Nanos) {
        self.shell.give_back(call.0, Nothing::Abandoned, || now, &self.told);
    }

    /// What a refusal at `now` says: since when, until when, why.
    pub fn refusal(&self, now: Nanos) -> Option<(Nanos, Nanos, &'static str)> {
        let gate = self.shell.gate();
        let (refusing, _) = if gate.refuses() { self.shell.refuse(now) } else { None }?;
        let rule = refusing.evidence.get().map_or("none", |evidence| evidence.rule.as_str());
        Some((refusing.since, refusing.until, rule))
    }

    pub fn transitions(&self) -> usize {
        self.told.0.load(Ordering::SeqCst)
    }

    pub fn probes_in_flight(&self) -> u32 {
        self.shell.peek(Machine::probes_in_flight)
    }

    pub fn failures_in_a_row(&self) -> u32 {
        self.shell.read(0, &self.told, |machine, _| machine.counts().consecutive_failures)
    }

    pub fn successes(&self, now: Nanos) -> u64 {
        self.shell.read(now, &self.told, |machine, _| machine.totals().successes)
    }

    pub fn samples(&self, now: Nanos) -> u32 {
        self.shell.read(now, &self.told, |machine, _| machine.counts().samples)
    }
}
