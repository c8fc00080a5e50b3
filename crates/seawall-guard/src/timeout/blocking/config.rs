//! The builder of a limit for blocking work.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Check, ConfigError, Listeners, Name, PolicyKind};

use super::super::{DEFAULT_MAX_RUNNING, Timeout, TimeoutBuilder};
use super::Blocking;
use crate::permits::Permits;

/// Builds a [`Blocking`]. The [chapter](crate::timeout) has the table of defaults.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct BlockingBuilder {
    timeout: TimeoutBuilder,
    max_running: usize,
}

impl Default for BlockingBuilder {
    fn default() -> Self {
        let timeout = Timeout::builder().name("blocking");
        Self { timeout, max_running: DEFAULT_MAX_RUNNING }
    }
}

impl BlockingBuilder {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.timeout = self.timeout.name(name);
        self
    }

    /// How long a caller waits, as [`TimeoutBuilder::limit`].
    pub fn limit(mut self, limit: Duration) -> Self {
        self.timeout = self.timeout.limit(limit);
        self
    }

    /// How many pieces of work may run at once, with or without a caller. At least 1; more are
    /// refused.
    pub fn max_running(mut self, max: usize) -> Self {
        self.max_running = max;
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.timeout = self.timeout.listeners(listeners);
        self
    }

    /// Builds the limit. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Blocking, ConfigError> {
        let check = Check::of(PolicyKind::Timeout);
        check.that(self.max_running > 0, "max_running", self.max_running, "at least 1")?;
        let permits = Arc::new(Permits::new(self.max_running));
        Ok(Blocking { timeout: self.timeout.build()?, permits, counts: Arc::default() })
    }
}
