//! What a shutdown is built from, and why the defaults are what they are.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Check, ConfigError, Listeners, Name, PolicyKind};

use crate::machine::{Machine, PhasePlan, StepPlan, share};
use crate::phase::Reserve;
use crate::plan::Plan;
use crate::shutdown::Inner;
use crate::step::{Body, Builtin};
use crate::watch::{Handlers, Watch};
use crate::{Phase, Shutdown, Signal, Step};

/// Orchestrators kill 30 s after they ask (Kubernetes' `terminationGracePeriodSeconds`); what is
/// to be over by then has to leave some time for the rest of the process.
pub const DEFAULT_GRACE_PERIOD: Duration = Duration::from_secs(25);

/// How long the drain delay is, in hundredths of the grace period: 5 s of the default 25 s, which
/// is what balancers that probe every other second need to notice.
pub const DRAIN_DELAY_PERCENT: u32 = 20;

const CHECK: Check = Check::of(PolicyKind::Shutdown);

/// Builds a [`Shutdown`].
#[derive(Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct ShutdownBuilder {
    name: Name,
    grace_period: Duration,
    drain_delay: Option<Duration>,
    phases: Vec<Phase>,
    steps: Vec<(String, Step)>,
    signals: Vec<Signal>,
    listeners: Listeners,
}

impl ShutdownBuilder {
    pub(crate) fn new() -> Self {
        Self {
            name: Name::from("shutdown"),
            grace_period: DEFAULT_GRACE_PERIOD,
            drain_delay: None,
            phases: Phase::defaults(),
            steps: Vec::new(),
            signals: Vec::new(),
            listeners: Listeners::default(),
        }
    }

    /// The name in reports and events. Default: `shutdown`.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = name.into();
        self
    }

    /// How long the whole shutdown may take. Default: [`DEFAULT_GRACE_PERIOD`]. `Duration::MAX`
    /// is without limit.
    pub fn grace_period(mut self, grace_period: Duration) -> Self {
        self.grace_period = grace_period;
        self
    }

    /// How long to go on as before after readiness has flipped, so that balancers notice.
    /// Default: a fifth of the grace period if [`readiness`](Shutdown::readiness) was ever asked
    /// for, else nothing: nobody looks, so nobody can notice. A delay that is given here is
    /// always kept; zero turns it off.
    pub fn drain_delay(mut self, drain_delay: Duration) -> Self {
        self.drain_delay = Some(drain_delay);
        self
    }

    /// Phases of your own in the place of the default ones.
    pub fn phases(mut self, phases: impl IntoIterator<Item = Phase>) -> Self {
        self.phases = phases.into_iter().collect();
        self
    }

    /// Adds a step to the phase of this name.
    pub fn step(mut self, phase: impl Into<String>, step: Step) -> Self {
        self.steps.push((phase.into(), step));
        self
    }

    /// Listens to these signals: the first begins the shutdown, the second forces it. The
    /// handlers are installed by [`build`](Self::build), so a signal that comes before the
    /// shutdown is run is not lost. Those that the platform does not have are left out. Default:
    /// none.
    pub fn signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signals = signals.into_iter().collect();
        self
    }

    /// Who is told when a phase begins.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = listeners.clone();
        self
    }

    /// Builds the shutdown, and installs the signal handlers if any were asked for.
    pub fn build(self) -> Result<Shutdown, ConfigError> {
        let name = CHECK.name(self.name)?;
        CHECK.positive("grace_period", self.grace_period)?;
        check_phases(&self.phases)?;
        let steps = self.steps;
        let delay_given = self.drain_delay.is_some();
        let delay =
            self.drain_delay.unwrap_or_else(|| share(self.grace_period, DRAIN_DELAY_PERCENT));
        let phases = plan_phases(&self.phases, &steps);
        let mut plan = Plan::new(Machine::new(self.grace_period, phases, Vec::new()));
        add_builtins(&mut plan, &self.phases, delay)?;
        add_steps(&mut plan, steps)?;
        plan.machine.share_out();
        let fits = plan.machine.reserves_fit(None);
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
        let does = |builtin| self.phases.iter().any(|phase| phase.builtins.contains(&builtin));
        let mut inner = Inner::new(name, plan, self.listeners, delay_given);
        inner.intake_stops_at_trigger = !does(Builtin::StopIntake);
        inner.readiness_flips_at_trigger = !does(Builtin::ReadinessOff);
        let inner = Arc::new(inner);
        if let Some(handlers) = handlers {
            let watch = Watch::start(handlers, Arc::downgrade(&inner))
                .map_err(|error| not_installed(&error))?;
            inner.set_watch(watch);
        }
        Ok(Shutdown(inner))
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

fn plan_phases(phases: &[Phase], steps: &[(String, Step)]) -> Vec<PhasePlan> {
    phases
        .iter()
        .map(|phase| {
            let mut plan = PhasePlan::new(phase.name.clone(), phase.limit);
            let drains = phase.builtins.contains(&Builtin::Tasks);
            match phase.reserve {
                Reserve::Fixed(reserve) => plan.reserve = reserve,
                Reserve::Percent(percent) => {
                    let used = drains || steps.iter().any(|(name, _)| *name == phase.name);
                    plan.percent = if used { percent } else { 0 };
                }
            }
            plan
        })
        .collect()
}

fn add_builtins(plan: &mut Plan, phases: &[Phase], delay: Duration) -> Result<(), ConfigError> {
    for (id, phase) in phases.iter().enumerate() {
        for &builtin in &phase.builtins {
            let name = builtin.step_name();
            CHECK.that(
                plan.find(name).is_none(),
                "phases",
                format_args!("two with '{name}'"),
                "at most one of each kind: one that drains, one that stops intake, and so on",
            )?;
            let mut step = StepPlan::new(name.to_owned(), id);
            step.at_limit = builtin.at_limit();
            step.limit = (builtin == Builtin::Delay).then_some(delay);
            plan.add(step, Body::Builtin(builtin));
        }
    }
    Ok(())
}

/// Adds the steps in an order in which each finds what it waits for, so that a cycle comes to
/// light as steps that are left over.
fn add_steps(plan: &mut Plan, steps: Vec<(String, Step)>) -> Result<(), ConfigError> {
    let mut names: HashSet<String> = steps.iter().map(|(_, step)| step.name.clone()).collect();
    names.extend(plan.machine.steps.iter().map(|step| step.name.clone()));
    let mut left = steps;
    while !left.is_empty() {
        let before = left.len();
        let mut later = Vec::new();
        for (phase, step) in left {
            let unknown = step.after.iter().find(|after| !names.contains(*after));
            if let Some(after) = unknown {
                return Err(ConfigError::new(
                    PolicyKind::Shutdown,
                    "after",
                    format_args!("'{after}' for step '{}'", step.name),
                    "the name of a step",
                ));
            }
            if step.after.iter().all(|after| plan.find(after).is_some()) {
                plan.register(&phase, step, None).map_err(|error| {
                    ConfigError::new(
                        PolicyKind::Shutdown,
                        "step",
                        format_args!("refused ({error})"),
                        "named, for a phase that exists, after steps of its phase or before",
                    )
                })?;
            } else {
                later.push((phase, step));
            }
        }
        if later.len() == before {
            let cycle: Vec<_> = later.iter().map(|(_, step)| step.name.as_str()).collect();
            return Err(ConfigError::new(
                PolicyKind::Shutdown,
                "after",
                format_args!("a cycle through {}", cycle.join(", ")),
                "free of cycles",
            ));
        }
        left = later;
    }
    Ok(())
}
