//! Beginning where another machine was.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{CircuitState, Evidence};

use super::{Hold, Machine, Phase, Settings, Waits};
use crate::time::Nanos;

/// Where a machine begins that was exported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Restored {
    pub(crate) state: CircuitState,
    pub(crate) generation: u64,
    /// For how long the state was in force.
    pub(crate) age: Duration,
    /// How long the open state refuses in all.
    pub(crate) wait: Nanos,
    /// How much of that is left; `None` where it is not open.
    pub(crate) left: Option<Nanos>,
    pub(crate) openings: u32,
    pub(crate) evidence: Option<Evidence>,
}

impl Machine {
    /// A machine where another one was when it was exported.
    pub(crate) fn restore(
        settings: Arc<Settings>,
        waits: Waits,
        restored: &Restored,
        now: Nanos,
    ) -> Self {
        let mut machine = Self::new(settings, waits, now);
        machine.hold = match restored.state {
            CircuitState::ForcedOpen => Hold::Open,
            CircuitState::ForcedClosed => Hold::Closed,
            CircuitState::Shadow => Hold::Shadow,
            _ => Hold::None,
        };
        if let Some(left) = restored.left {
            let until = now.saturating_add(left);
            machine.phase = Phase::Open { until, wait: restored.wait };
        }
        machine.generation = restored.generation;
        machine.since = 0;
        machine.openings = restored.openings;
        machine.evidence = restored.evidence;
        machine
    }
}
