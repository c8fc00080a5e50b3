//! How a supervisor is configured.

use std::time::Duration;

use seawall_core::{Backoff, Check, ConfigError, Listeners, Name, PolicyKind, Random};

use super::Supervisor;
use super::machine::Intensity;

/// How many restarts may be within [`DEFAULT_WITHIN`], unless set: with the default backoff a child
/// that fails at once is given up after about a second.
pub const DEFAULT_MAX_RESTARTS: u32 = 3;

/// The period in which restarts are counted, unless set: Erlang's default.
pub const DEFAULT_WITHIN: Duration = Duration::from_secs(5);

/// The largest number of restarts that may be allowed in a period: each is remembered for as long.
pub const MAX_RESTARTS: u32 = 10_000;

/// The wait before a restart, unless set: 100 ms and twice as long each time, up to 5 s, with full
/// jitter, so that what failed together does not come back together.
pub fn default_backoff() -> Backoff {
    Backoff::exponential(Duration::from_millis(100)).max(Duration::from_secs(5))
}

/// Builds a [`Supervisor`]. The [chapter](super) has the table of defaults.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct SupervisorBuilder {
    name: Name,
    listeners: Listeners,
    max_restarts: u32,
    within: Duration,
    backoff: Backoff,
    random: Random,
}

impl Default for SupervisorBuilder {
    fn default() -> Self {
        Self {
            name: Name::from("supervisor"),
            listeners: Listeners::default(),
            max_restarts: DEFAULT_MAX_RESTARTS,
            within: DEFAULT_WITHIN,
            backoff: default_backoff(),
            random: Random::default(),
        }
    }
}

impl SupervisorBuilder {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = name.into();
        self
    }

    /// Who is told of panics and restarts.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = listeners.clone();
        self
    }

    /// How many restarts there may be, of all children together, [within](Self::within) a period,
    /// at most [`MAX_RESTARTS`]. With 0 the first end that asks for a restart is the last.
    pub fn max_restarts(mut self, max: u32) -> Self {
        self.max_restarts = max;
        self
    }

    /// The period in which restarts are counted, above zero.
    pub fn within(mut self, within: Duration) -> Self {
        self.within = within;
        self
    }

    /// The wait before a restart. It grows with the restarts of one child in a row, and begins
    /// again when the child ran for longer than the [period](Self::within).
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Where jitter is drawn from.
    pub fn random(mut self, random: Random) -> Self {
        self.random = random;
        self
    }

    /// Makes the supervisor, without children. Fails if the name is empty or too long, and where a
    /// number is out of its range.
    pub fn build(self) -> Result<Supervisor, ConfigError> {
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
            name: check.name(self.name)?,
            listeners: self.listeners,
            intensity: Intensity::new(self.max_restarts, within),
            within,
            backoff: self.backoff,
            random: self.random,
            children: Vec::new(),
        })
    }
}
