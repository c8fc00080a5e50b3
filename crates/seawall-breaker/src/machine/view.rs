//! What others may read of a machine, and which outcomes it has to see.

use std::sync::Arc;

use seawall_core::{CircuitState, Evidence};

use super::window::share;
use super::{Hold, Machine, Phase, Settings, Waits, Window, WindowCounts};
use crate::defaults;
use crate::time::{NEVER, Nanos, nanos};

/// How a success that was not slow has to be recorded. Failures are always recorded under the lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recording {
    /// By the machine: it may open the circuit, or a predicate has to see it.
    UnderLock,
    /// By a counter that the machine reads later: no number of successes opens the circuit.
    Batched,
    /// Not at all: it changes nothing.
    Skip,
}

impl Machine {
    /// The state that users see.
    pub(crate) fn state(&self) -> CircuitState {
        match self.hold {
            Hold::None => self.phase.state(),
            Hold::Open => CircuitState::ForcedOpen,
            Hold::Closed => CircuitState::ForcedClosed,
            Hold::Shadow => CircuitState::Shadow,
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    pub(crate) fn since(&self) -> Nanos {
        self.since
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }

    /// Why it opened last, if it did.
    pub(crate) fn evidence(&self) -> Option<Evidence> {
        self.incidents().evidence
    }

    /// Openings since it was last closed for long enough.
    pub(crate) fn openings(&self) -> u32 {
        self.incidents().in_a_row
    }

    /// When the open state ends and how long it refuses in all; `None` in any other state.
    pub(crate) fn open_until(&self) -> Option<(Nanos, Nanos)> {
        match self.phase {
            Phase::Open { until } => Some((until, self.incidents().wait)),
            _ => None,
        }
    }

    /// When a call that is refused at `now` may succeed; [`NEVER`] where nobody knows.
    ///
    /// A half-open circuit has a free slot when a lease ends. The verdict mostly comes sooner, and a
    /// lease may be long, so it is at the latest as long as the open wait was. Later stages of a ramp
    /// admit more calls.
    pub(crate) fn worth_a_call_at(&self, now: Nanos) -> Nanos {
        match &self.phase {
            Phase::Closed => NEVER,
            Phase::Open { until } => *until,
            Phase::HalfOpen(half_open) => {
                let wait = self.incidents().wait.max(nanos(defaults::MIN_LEASE));
                half_open.first_end().unwrap_or(NEVER).min(now.saturating_add(wait))
            }
            Phase::Ramping(ramp) => ramp.ends(),
        }
    }

    /// When the first of the probes' leases ends.
    pub(crate) fn first_lease_end(&self) -> Option<Nanos> {
        match &self.phase {
            Phase::HalfOpen(half_open) => half_open.first_end(),
            _ => None,
        }
    }

    pub(crate) fn probes_in_flight(&self) -> u32 {
        match &self.phase {
            Phase::HalfOpen(half_open) => half_open.in_flight(),
            _ => 0,
        }
    }

    /// The stage of the ramp, counting from 1.
    pub(crate) fn ramp_stage(&self) -> Option<usize> {
        match &self.phase {
            Phase::Ramping(ramp) => Some(ramp.stage() + 1),
            _ => None,
        }
    }

    /// What the window holds.
    pub(crate) fn counts(&self) -> WindowCounts {
        let total = self.window.total();
        WindowCounts {
            samples: total.samples,
            failures: total.failures,
            slow: total.slow,
            consecutive_failures: self.run,
        }
    }

    /// Slides the window of a closed circuit to `now`. In any other state the window shows what
    /// opened it.
    pub(crate) fn slide(&mut self, now: Nanos) {
        if let Phase::Closed = self.phase {
            self.window.slide(now);
        }
    }

    /// Until when a success may be counted without a slide of the window.
    pub(crate) fn slides_at(&self) -> Nanos {
        self.window.slides_at()
    }

    /// Stores the waits that were drawn in advance, unless their configuration was replaced.
    pub(crate) fn set_waits(&mut self, waits: Waits, of: &Arc<Settings>) {
        if Arc::ptr_eq(&self.settings, of) {
            self.waits = waits;
        }
    }

    /// Whether calls go through without asking the machine.
    pub(crate) fn admits_all(&self) -> bool {
        match self.hold {
            Hold::Closed => true,
            Hold::Open => false,
            Hold::None | Hold::Shadow => matches!(self.phase, Phase::Closed),
        }
    }

    /// Whether a new machine in its place would behave alike: it is closed, and its failures, its slow
    /// calls and its openings are older than they count, or there are none.
    pub(crate) fn is_idle(&self, now: Nanos) -> bool {
        let is_over = |moment| now.saturating_sub(moment) >= self.settings.wait.forget_after;
        let WindowCounts { failures, slow, consecutive_failures, .. } = self.counts();
        let troubled = failures > 0 || slow > 0 || consecutive_failures > 0;
        self.state() == CircuitState::Closed
            && (!troubled || is_over(self.troubled))
            && (self.openings() == 0 || is_over(self.since))
    }

    /// How successes have to be recorded until the machine is asked again.
    pub(crate) fn recording(&self) -> Recording {
        let full = match &self.window {
            Window::Absent => true,
            Window::Count(window) => window.is_full_of_successes(),
            Window::Time(_) => false,
        };
        if !self.admits_all() || self.settings.rules.predicate().is_some() {
            Recording::UnderLock
        } else if full && self.run == 0 && !self.settings.tally {
            Recording::Skip
        } else if self.hold.decides() && self.successes_may_open() {
            Recording::UnderLock
        } else {
            Recording::Batched
        }
    }

    /// Whether some number of successes may open the circuit, as a rate counts from `min_calls` on.
    ///
    /// Each success adds to the samples or replaces an outcome, so a share that is below its limit
    /// stays there until the window slides, which happens under the lock.
    fn successes_may_open(&self) -> bool {
        let rules = &self.settings.rules;
        let WindowCounts { samples, failures, slow, .. } = self.counts();
        let samples = samples.max(rules.min_calls);
        share(failures, samples) >= rules.failure_rate
            || rules.slow().is_some_and(|rule| share(slow, samples) >= rule.rate)
    }
}
