//! Beginning where another machine was.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{CircuitState, Evidence};

use super::half_open::HalfOpen;
use super::{Hold, Incidents, Machine, Phase, Settings, Waits};
use crate::time::{NEVER, Nanos};

/// Where a machine begins that was exported.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Restored {
    pub(crate) state: CircuitState,
    pub(crate) generation: u64,
    /// For how long the state was in force.
    pub(crate) age: Duration,
    /// How long the open state refuses in all, where that is known.
    pub(crate) wait: Option<Nanos>,
    /// How much of that is left: nothing where it is half-open, `None` where it is closed.
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
        machine.phase = match restored.left {
            None => Phase::Closed,
            Some(0) => {
                let wait = restored.wait.unwrap_or(waits.first);
                Phase::HalfOpen(HalfOpen::new(machine.settings.probing.term, wait).into())
            }
            Some(left) => Phase::Open { until: now.saturating_add(left) },
        };
        machine.generation = restored.generation;
        machine.since = 0;
        machine.incidents = Some(Box::new(Incidents {
            evidence: restored.evidence,
            wait: restored.wait.unwrap_or(NEVER),
            in_a_row: restored.openings,
            ..Incidents::default()
        }));
        machine
    }
}
