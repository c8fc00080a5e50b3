//! The builder of a shutdown.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Check, ConfigError, Listeners, Name, PolicyKind, Setup};
use tokio::time::Instant;

use crate::defaults::{DEFAULT_GRACE_PERIOD, DRAIN_DELAY_PERCENT};
use crate::drain_delay::DrainDelay;
use crate::machine::{Machine, PhasePlan, share};
use crate::plan::Plan;
use crate::shutdown::Shared;
use crate::signals::{Handlers, SignalThread};
use crate::{Phase, Shutdown, Signal, Step};
use order::in_order;

mod order;

const CHECK: Check = Check::of(PolicyKind::Shutdown);

/// Builds a [`Shutdown`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct ShutdownBuilder {
    setup: Setup,
    grace_period: Duration,
    drain_delay: DrainDelay,
    phases: Vec<Phase>,
    steps: Vec<(String, Step)>,
    signals: Vec<Signal>,
}

impl ShutdownBuilder {
    pub(crate) fn new() -> Self {
        Self {
            setup: Setup::default(),
            grace_period: DEFAULT_GRACE_PERIOD,
            drain_delay: DrainDelay::default(),
            phases: Phase::defaults(),
            steps: Vec::new(),
            signals: Vec::new(),
        }
    }

    /// The name in reports and events. Default: `shutdown`.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// The longest that the whole shutdown may take. Default: [`DEFAULT_GRACE_PERIOD`].
    /// `Duration::MAX` is without limit.
    pub fn grace_period(mut self, grace_period: Duration) -> Self {
        self.grace_period = grace_period;
        self
    }

    /// How long to go on as before after readiness has turned off, so that balancers notice.
    /// Default: a fifth of the grace period if [`readiness`](Shutdown::readiness) was ever asked
    /// for and the trigger is no [`Interrupt`](Signal::Interrupt), else nothing: where nobody
    /// looks nobody can notice, and ctrl-c comes from a terminal. A delay that is given here is
    /// kept whatever the trigger; zero turns it off.
    pub fn drain_delay(mut self, drain_delay: Duration) -> Self {
        self.drain_delay.given = Some(drain_delay);
        self
    }

    /// The drain delay where `signal` triggers the shutdown, in the place of
    /// [`drain_delay`](Self::drain_delay). May be called once for each signal; the last call for a
    /// signal counts.
    pub fn drain_delay_on(mut self, signal: Signal, drain_delay: Duration) -> Self {
        self.drain_delay.on_signal.push((signal, drain_delay));
        self
    }

    /// Uses these phases in the place of the default ones.
    pub fn phases(mut self, phases: impl IntoIterator<Item = Phase>) -> Self {
        self.phases = phases.into_iter().collect();
        self
    }

    /// Adds a step to the phase of this name.
    pub fn step(mut self, phase: impl Into<String>, step: Step) -> Self {
        self.steps.push((phase.into(), step));
        self
    }

    /// Listens to these signals: the first begins the shutdown, the second forces it.
    /// [`build`](Self::build) installs the handlers, so a signal that comes before the shutdown is
    /// run is not lost. Signals that the platform does not have are left out. Default: none.
    pub fn signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signals = signals.into_iter().collect();
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Builds the shutdown, and installs the signal handlers. Errors name the field and the allowed
    /// range.
    pub fn build(self) -> Result<Shutdown, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(mut self) -> Result<Shutdown, ConfigError> {
        let reporter = self.setup.reporter(PolicyKind::Shutdown)?;
        CHECK.positive("grace_period", self.grace_period)?;
        check_phases(&self.phases)?;
        self.drain_delay.default = share(self.grace_period, DRAIN_DELAY_PERCENT);
        let mut plan = plan_phases(self.grace_period, &self.phases)?;
        for (phase, step) in in_order(&plan, self.steps)? {
            plan.add(&phase, step).map_err(|error| {
                let value = format_args!("refused ({error})");
                let allowed = "named, for a phase that exists, after steps of its phase or before";
                ConfigError::new(PolicyKind::Shutdown, "step", value, allowed)
            })?;
        }
        let fits = plan.machine.share_out(Instant::now()).is_ok();
        CHECK.that(
            fits,
            "reserve",
            "more than the grace period in all",
            "at most the grace period, summed over the phases",
        )?;
        let handlers = match &*self.signals {
            [] => None,
            signals => Some(Handlers::install(signals).map_err(|error| not_installed(&error))?),
        };
        let shared = Arc::new(Shared::new(reporter, plan, self.drain_delay));
        if let Some(handlers) = handlers {
            let thread = SignalThread::start(handlers, Arc::downgrade(&shared));
            shared.driver.set_signal_thread(thread.map_err(|error| not_installed(&error))?);
        }
        Ok(Shutdown(shared))
    }
}

fn not_installed(error: &std::io::Error) -> ConfigError {
    ConfigError::new(
        PolicyKind::Shutdown,
        "signals",
        format_args!("not installed ({error})"),
        "signals that a handler can be installed for",
    )
}

fn check_phases(phases: &[Phase]) -> Result<(), ConfigError> {
    CHECK.at_least_one("phases", u32::try_from(phases.len()).unwrap_or(u32::MAX))?;
    let mut names = HashSet::new();
    for phase in phases {
        let name = &phase.name;
        CHECK.that(
            !name.is_empty() && names.insert(name.as_str()),
            "phases",
            format_args!("'{name}'"),
            "named, each with a name of its own",
        )?;
    }
    Ok(())
}

/// The phases with the steps of the coordinator's own.
fn plan_phases(grace_period: Duration, phases: &[Phase]) -> Result<Plan, ConfigError> {
    let plans = phases
        .iter()
        .map(|phase| PhasePlan::new(phase.name.clone(), phase.limit, phase.reserve))
        .collect();
    let mut plan = Plan::new(Machine::new(grace_period, plans));
    for (id, phase) in phases.iter().enumerate() {
        for &builtin in &phase.builtins {
            CHECK.that(
                plan.builtin(builtin).is_none(),
                "phases",
                format_args!("two with '{}'", builtin.step_name()),
                "at most one of each kind: one that drains, one that stops intake, and so on",
            )?;
            plan.add_builtin(builtin, id);
        }
    }
    Ok(plan)
}
