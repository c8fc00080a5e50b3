//! Starting where another machine was, and going on with another configuration.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{CircuitState, Evidence};

use super::half_open::HalfOpen;
use super::incidents::Incidents;
use super::{Effects, Hold, Machine, Phase, Settings, Waits};
use crate::time::{NEVER, Nanos};

/// The state that a machine starts in after an export.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Restored {
    pub(crate) state: CircuitState,
    pub(crate) generation: u64,
    /// How long the state was in force.
    pub(crate) age: Duration,
    /// How long the open state refuses in all, where that is known.
    pub(crate) wait: Option<Nanos>,
    /// How much of that is left: zero where it is half-open, `None` where it is closed.
    pub(crate) left: Option<Nanos>,
    pub(crate) openings: u32,
    pub(crate) evidence: Option<Evidence>,
}

impl Machine {
    /// A machine in the state of an export.
    pub(crate) fn restore(
        settings: Arc<Settings>,
        waits: Waits,
        restored: &Restored,
        now: Nanos,
    ) -> Self {
        let mut machine = Self::new(settings, waits, now);
        machine.hold = Hold::of(restored.state);
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

    /// Replaces the configuration. State, counts and admissions stay. Returns the old one, which
    /// holds the user's code and must be dropped outside the lock.
    #[must_use = "it must not be dropped under the lock"]
    pub(crate) fn reconfigure(
        &mut self,
        settings: Arc<Settings>,
        waits: Waits,
        now: Nanos,
        effects: &mut Effects,
    ) -> Arc<Settings> {
        if let Phase::Closed = self.phase {
            self.window.slide(now);
            let slow = settings.rules.slow().is_some();
            self.window = self.window.resized(settings.rules.window, slow, now);
        }
        let old = std::mem::replace(&mut self.settings, settings);
        self.waits = waits;
        // With other numbers of probes, the outcomes so far may be a verdict.
        if let Phase::HalfOpen(half_open) = &self.phase
            && let Some(verdict) = half_open.verdict(&self.settings)
        {
            self.step(verdict, None, now, effects);
        }
        old
    }
}
