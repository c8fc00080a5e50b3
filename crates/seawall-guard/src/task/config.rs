//! The builder of a supervisor.

use std::time::Duration;

use seawall_core::{Backoff, Check, ConfigError, Listeners, Name, PolicyKind, Random, Setup};

use super::machine::Intensity;
use super::{
    DEFAULT_GRACE_PERIOD, DEFAULT_MAX_RESTARTS, DEFAULT_WITHIN, MAX_RESTARTS, Supervisor,
    default_backoff,
};

/// Builds a [`Supervisor`]. The [chapter](super) has the table of defaults.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct SupervisorBuilder {
    setup: Setup,
    max_restarts: u32,
    within: Duration,
    backoff: Backoff,
    grace_period: Duration,
    random: Random,
}

impl Default for SupervisorBuilder {
    fn default() -> Self {
        Self {
            setup: Setup::default(),
            max_restarts: DEFAULT_MAX_RESTARTS,
            within: DEFAULT_WITHIN,
            backoff: default_backoff(),
            grace_period: DEFAULT_GRACE_PERIOD,
            random: Random::default(),
        }
    }
}

impl SupervisorBuilder {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// How many restarts may happen [within](Self::within) a period, of all children together. At most
    /// [`MAX_RESTARTS`]. With 0 the supervisor gives up instead of the first restart.
    pub fn max_restarts(mut self, max: u32) -> Self {
        self.max_restarts = max;
        self
    }

    /// The period in which restarts are counted, above zero.
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// The wait before a restart. It grows with the restarts of one child in a row, and starts over once
    /// the child ran for longer than the [period](Self::within).
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// How long children that run may go on when the supervisor is stopped, before they are dropped.
    /// With zero they are dropped at once, and none counts as lost.
    pub fn grace_period(mut self, grace_period: Duration) -> Self {
        self.grace_period = grace_period;
        self
    }

    /// The source of jitter.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Builds the supervisor, without children. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Supervisor, ConfigError> {
        let setup = self.setup.clone();
        self.checked().map_err(|error| setup.name_error(error))
    }

    fn checked(self) -> Result<Supervisor, ConfigError> {
        let check = Check::of(PolicyKind::Supervisor);
        self.backoff.check(check)?;
        check.that(
            self.max_restarts <= MAX_RESTARTS,
            "max_restarts",
            self.max_restarts,
            "at most 10000",
        )?;
        let within = check.positive("within", self.within)?;
        Ok(Supervisor {
            reporter: self.setup.reporter(PolicyKind::Supervisor)?,
            intensity: Intensity::new(self.max_restarts, within),
            within,
            backoff: self.backoff,
            grace_period: self.grace_period,
            random: self.random,
            children: Vec::new(),
        })
    }
}
