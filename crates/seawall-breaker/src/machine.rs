//! The pure circuit breaker: no clock, no lock, no atomics. `now` is handed in, what happened is
//! handed out.
//!
//! | file | says |
//! |---|---|
//! | `table` | which state follows on which trigger: data |
//! | `transition` | how a step of the table is taken |
//! | `admission` | who goes through |
//! | `outcome` | what an outcome counts for |
//! | `rules`, `predicate` | what opens the circuit |
//! | `verdict`, over `half_open` and `ramp` | what closes it again or reopens it |
//! | `window`, over `count` and `span` | what the closed state remembers |
//! | `ease` | which successes need none of this |
//! | `incidents` | what it remembers of not being closed |
//! | `settings`, `restore` | what it begins with |

use std::sync::Arc;

use seawall_core::{CircuitState, EventKind};

use crate::time::Nanos;
pub(crate) use admission::{Admission, Refusal, Refusing, Ticket};
pub(crate) use ease::Ease;
use half_open::HalfOpen;
pub(crate) use half_open::{Probing, Term};
use incidents::Incidents;
use outcome::Counted;
pub(crate) use outcome::{Outcome, Settled};
use ramp::{Progress, Ramp};
pub(crate) use ramp::{RampPlan, StagePlan, WHOLE};
pub(crate) use restore::Restored;
pub(crate) use rules::{OUT_OF_REACH, Predicate, RareRules, Rules, SlowRule};
pub use settings::Abandoned;
pub(crate) use settings::{OpenWait, Settings, Waiting, Waits};
pub(crate) use table::Trigger;
use window::Window;
pub use window::WindowCounts;
pub(crate) use window::WindowSize;

mod admission;
pub(crate) mod count;
mod describe;
mod ease;
pub(crate) mod half_open;
mod incidents;
mod outcome;
mod predicate;
pub(crate) mod ramp;
mod restore;
mod rules;
mod settings;
pub(crate) mod span;
pub(crate) mod table;
mod transition;
mod verdict;
pub(crate) mod window;

/// A circuit breaker's whole state.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    settings: Arc<Settings>,
    phase: Phase,
    /// What the operator made of it.
    hold: Hold,
    generation: u64,
    /// When the current state began.
    since: Nanos,
    window: Window,
    /// Failures in a row.
    run: u32,
    waits: Waits,
    counted: Counted,
    incidents: Option<Box<Incidents>>,
}

/// What the automatic rules made of the circuit; under an operator's hold, what they would have.
#[derive(Clone, Debug)]
enum Phase {
    Closed,
    Open { until: Nanos },
    // In boxes, as most breakers are closed at all times.
    HalfOpen(Box<HalfOpen>),
    Ramping(Box<Ramp>),
}

/// What the operator ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    None,
    Open,
    Closed,
    Shadow,
}

/// What happened, in order.
pub(crate) type Happened = Vec<EventKind>;

impl Machine {
    pub(crate) fn new(settings: Arc<Settings>, waits: Waits, now: Nanos) -> Self {
        let window = settings.window(now);
        Self {
            settings,
            phase: Phase::Closed,
            hold: Hold::None,
            generation: 0,
            since: now,
            window,
            run: 0,
            waits,
            counted: Counted::default(),
            incidents: None,
        }
    }

    /// Swaps the configuration, and gives the old one: what it holds is the user's, and is to be
    /// dropped outside the lock. State, counts and admissions stay.
    #[must_use = "it must not be dropped under the lock"]
    pub(crate) fn reconfigure(
        &mut self,
        settings: Arc<Settings>,
        waits: Waits,
        now: Nanos,
        happened: &mut Happened,
    ) -> Arc<Settings> {
        // Any other state shows what opened it, until it begins anew.
        if let Phase::Closed = self.phase {
            self.window.slide(now);
            let slow = settings.rules.slow().is_some();
            self.window = self.window.resized(settings.rules.window, slow, now);
        }
        let old = std::mem::replace(&mut self.settings, settings);
        self.waits = waits;
        // With other numbers the probes may have said enough already.
        self.heed_verdict(None, now, happened);
        old
    }

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

    /// Which stage of its ramp it is in, counting from 1.
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

    /// Lets time pass for the window of a closed circuit, so that what is read of it is current.
    /// Any other state shows what opened it.
    pub(crate) fn slide(&mut self, now: Nanos) {
        if let Phase::Closed = self.phase {
            self.window.slide(now);
        }
    }

    /// Replaces the waits that were drawn in advance; not by those of a configuration that was
    /// replaced meanwhile.
    pub(crate) fn hand_waits(&mut self, waits: Waits, of: &Arc<Settings>) {
        if Arc::ptr_eq(&self.settings, of) {
            self.waits = waits;
        }
    }
}

impl Hold {
    /// Whether the automatic rules decide, if only in thought.
    fn decides(self) -> bool {
        matches!(self, Self::None | Self::Shadow)
    }
}

impl Phase {
    fn state(&self) -> CircuitState {
        match self {
            Self::Closed => CircuitState::Closed,
            Self::Open { .. } => CircuitState::Open,
            Self::HalfOpen(_) => CircuitState::HalfOpen,
            Self::Ramping(_) => CircuitState::Ramping,
        }
    }
}
