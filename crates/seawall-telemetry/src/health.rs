//! Health: whether the process lives, and whether it takes new work.
//!
//! | path | asks | 200 | 503 |
//! |---|---|---|---|
//! | `/health/live` | should the process be restarted? | every heartbeat comes | one is missing: the task hangs |
//! | `/health/ready` | should it be sent work? | it is not stopping, and what was said to be critical works | else |
//! | `/health` | what is going on? | always, with a token | |
//!
//! All are answered from memory. None calls a dependency: a probe that does turns one dead dependency
//! into a fleet without a single ready instance.
//!
//! # Circuits and readiness
//!
//! An open circuit does not make a process unready, unless its pipeline was said to be
//! [critical](HealthBuilder::critical): where all instances lose the same dependency, all of them
//! would leave the balancer together, with everything that works without it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use seawall::policy::inspect::{Counter, Gauge, Inspect, Measures};
use seawall::shutdown::{Liveness, Readiness};
use seawall::{CircuitState, ConfigError, Pipeline, Policy, PolicyKind, Reason, Registry};
use serde_json::{Value, json};

/// The state of a process for its orchestrator, its balancer and its operators. Clones are one. See
/// the [chapter](self).
///
/// ```
/// use seawall::Shutdown;
/// use seawall_telemetry::health::Health;
///
/// # fn main() -> Result<(), seawall::ConfigError> {
/// let shutdown = Shutdown::builder().build()?;
/// let health = Health::builder()
///     .liveness(shutdown.liveness())
///     .readiness(shutdown.readiness())
///     .build()?;
/// assert!(health.is_live() && health.is_ready());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Health(Arc<Parts>);

/// Builds a [`Health`]. Without anything the process is live and ready as long as it answers.
#[derive(Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct HealthBuilder(Parts);

#[derive(Default)]
struct Parts {
    liveness: Option<Liveness>,
    readiness: Option<Readiness>,
    critical: Vec<Arc<dyn Inspect>>,
    registry: Option<Registry>,
    token: Option<Box<str>>,
}

impl HealthBuilder {
    /// The shortest token that is taken, in bytes.
    pub const MIN_TOKEN: usize = 16;

    /// The heartbeats that say whether the process lives: [`Shutdown::liveness`](seawall::Shutdown::liveness).
    pub fn liveness(mut self, liveness: Liveness) -> Self {
        self.0.liveness = Some(liveness);
        self
    }

    /// Whether the process takes new work: [`Shutdown::readiness`](seawall::Shutdown::readiness).
    pub fn readiness(mut self, readiness: Readiness) -> Self {
        self.0.readiness = Some(readiness);
        self
    }

    /// Makes readiness depend on the circuits of `pipeline`: without its dependency this process can do
    /// nothing. See [circuits and readiness](self#circuits-and-readiness).
    pub fn critical<P: Policy, C>(mut self, pipeline: &Pipeline<P, C>) -> Self {
        pipeline.policy().inspect(&mut |policy| self.0.critical.push(policy));
        self
    }

    /// The policies that the report lists.
    pub fn registry(mut self, registry: &Registry) -> Self {
        self.0.registry = Some(registry.clone());
        self
    }

    /// The token that readers of the report need. Without one there is no report over HTTP.
    pub fn token(mut self, token: &str) -> Self {
        self.0.token = Some(token.into());
        self
    }

    /// Builds it.
    ///
    /// # Errors
    ///
    /// Refuses a token of fewer than [`MIN_TOKEN`](Self::MIN_TOKEN) bytes.
    pub fn build(self) -> Result<Health, ConfigError> {
        let length = self.0.token.as_ref().map_or(Self::MIN_TOKEN, |token| token.len());
        seawall::policy::Check::of(PolicyKind::Pipeline).that(
            length >= Self::MIN_TOKEN,
            "token",
            format!("of {length} bytes"),
            "at least 16 bytes",
        )?;
        Ok(Health(Arc::new(self.0)))
    }
}

impl Health {
    /// Configures it.
    pub fn builder() -> HealthBuilder {
        HealthBuilder::default()
    }

    /// Whether every heartbeat comes.
    pub fn is_live(&self) -> bool {
        self.0.liveness.as_ref().is_none_or(Liveness::is_alive)
    }

    /// Whether the process takes new work.
    pub fn is_ready(&self) -> bool {
        self.0.readiness.as_ref().is_none_or(Readiness::is_ready)
            && self.0.critical.iter().all(|policy| !Circuit::of(&**policy).refuses())
    }

    /// Everything that is known, as JSON: `live`, `ready`, the heartbeats that are missing, and each
    /// circuit with its state.
    pub fn report(&self) -> Value {
        let stalled = self.0.liveness.as_ref().map(Liveness::stalled).unwrap_or_default();
        let stalled = stalled.iter().map(
            |it| json!({ "task": it.name, "silent_for_seconds": it.silent_for.as_secs_f64() }),
        );
        let mut circuits = Vec::new();
        let mut add = |policy: &dyn Inspect| {
            let circuit = Circuit::of(policy);
            if let Some(state) = circuit.state {
                circuits.push(json!({
                    "policy": policy.name().as_str(),
                    "kind": policy.policy_kind().label(),
                    "state": if circuit.due { "open_due" } else { state.label() },
                    "critical": self.0.critical.iter().any(|it| it.id() == policy.id()),
                }));
            }
        };
        match &self.0.registry {
            Some(registry) => registry.each(add),
            None => self.0.critical.iter().for_each(|policy| add(&**policy)),
        }
        json!({
            "live": self.is_live(),
            "ready": self.is_ready(),
            "stalled": stalled.collect::<Vec<_>>(),
            "circuits": circuits,
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    /// Whether `token` opens the report; `None` where there is no report.
    #[cfg(feature = "http")]
    pub(crate) fn admits(&self, token: Option<&str>) -> Option<bool> {
        let expected = self.0.token.as_deref()?.as_bytes();
        let token = token.unwrap_or_default().as_bytes();
        // Every byte is compared, so that the time says nothing about where they differ.
        let differ = expected.iter().enumerate().fold(0, |differ, (at, byte)| {
            differ | (byte ^ token.get(at).copied().unwrap_or(!byte))
        });
        Some(differ == 0 && token.len() == expected.len())
    }
}

/// The state of a policy's circuit, if it has one.
#[derive(Default)]
struct Circuit {
    state: Option<CircuitState>,
    due: bool,
}

impl Circuit {
    fn of(policy: &dyn Inspect) -> Self {
        let mut circuit = Self::default();
        policy.measure(&mut circuit);
        circuit
    }

    /// One that is due lets the next call through.
    fn refuses(&self) -> bool {
        match self.state {
            Some(CircuitState::Open) => !self.due,
            state => state == Some(CircuitState::ForcedOpen),
        }
    }
}

impl Measures for Circuit {
    fn gauge(&mut self, gauge: Gauge, value: f64) {
        if gauge == Gauge::OpenDue {
            self.due = value > 0.0;
        }
    }

    fn counter(&mut self, _: Counter, _: u64) {}

    fn refusals(&mut self, _: Reason, _: u64) {}

    fn state(&mut self, state: CircuitState, is_current: bool, _: Duration) {
        if is_current {
            self.state = Some(state);
        }
    }
}

impl fmt::Debug for Health {
    /// Without the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("live", &self.is_live())
            .field("ready", &self.is_ready())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for HealthBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HealthBuilder").finish_non_exhaustive()
    }
}
