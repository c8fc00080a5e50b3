//! A machine, a clock and what effects: for tests of its edges, one below, at, one above.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{CircuitState, EventKind, Transition};

use crate::machine::{
    Admission, Effects, Machine, Outcome, Refusal, Settled, Ticket, Trigger, Waits,
};
use crate::time::Nanos;
use crate::{Breaker, BreakerBuilder};

pub(super) const WAITS: Waits = Waits { first: 100, next: 250 };

/// A machine, a clock, and what effects.
pub(super) struct Rig {
    pub(super) machine: Machine,
    pub(super) now: Nanos,
    pub(super) effects: Effects,
}

pub(super) fn rig(builder: BreakerBuilder) -> Rig {
    let settings = builder.settings().unwrap();
    let machine = Machine::new(Arc::new(settings), WAITS, 0);
    Rig { machine, now: 0, effects: Effects::new() }
}

/// Opens at the first failure, one probe, leases of 10.
pub(super) fn fragile() -> BreakerBuilder {
    let lease = Duration::from_nanos(10);
    Breaker::builder().consecutive_failures(1).probes(1).lease(lease)
}

pub(super) const FINE: Outcome = Outcome { failed: false, slow: false, hint: None, took: None };
pub(super) const FAILED: Outcome = Outcome { failed: true, slow: false, hint: None, took: None };

impl Rig {
    pub(super) fn at(&mut self, now: Nanos) -> &mut Self {
        self.now = now;
        self
    }

    pub(super) fn admit(&mut self) -> Result<Ticket, Refusal> {
        match self.machine.admit(self.now, &mut self.effects) {
            Admission::Admitted(ticket) => Ok(ticket),
            Admission::Refused(refusal) | Admission::Shadowed(_, refusal) => Err(refusal),
        }
    }

    pub(super) fn settle(&mut self, ticket: Ticket, outcome: Outcome) -> Settled {
        self.machine.settle(ticket, outcome, self.now, &mut self.effects)
    }

    pub(super) fn call(&mut self, outcome: Outcome) -> &mut Self {
        let ticket = self.admit().unwrap();
        assert_eq!(self.settle(ticket, outcome), Settled::Counted);
        self
    }

    pub(super) fn operate(&mut self, trigger: Trigger) -> bool {
        self.machine.operate(trigger, self.now, &mut self.effects)
    }

    pub(super) fn reconfigure(&mut self, builder: BreakerBuilder) {
        let settings = builder.settings().unwrap();
        let waits = Waits { first: 7, next: 9 };
        drop(self.machine.reconfigure(Arc::new(settings), waits, self.now, &mut self.effects));
    }

    pub(super) fn state(&self) -> CircuitState {
        self.machine.state()
    }

    pub(super) fn last_transition(&self) -> Transition {
        let transitions = self.effects.iter().rev();
        let mut transitions = transitions.filter_map(|what| match what {
            EventKind::Transition(transition) | EventKind::Shadowed(transition) => {
                Some(transition.clone())
            }
            _ => None,
        });
        transitions.next().unwrap()
    }
}
