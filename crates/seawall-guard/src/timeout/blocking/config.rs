//! How the waiting for blocking work is configured.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{Check, ConfigError, Listeners, Name, PolicyKind};

use super::super::{Timeout, TimeoutBuilder};
use super::waiting::Shared;
use super::{Blocking, DEFAULT_MAX_RUNNING};

/// Builds a [`Blocking`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | `"blocking"` | |
/// | [`limit`](Self::limit) | 30 s | [`DEFAULT_LIMIT`](crate::timeout::DEFAULT_LIMIT) |
/// | [`max_running`](Self::max_running) | 64 | [`DEFAULT_MAX_RUNNING`] |
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

    /// How many pieces of work may run at once, waited for or not, at least 1. More are refused.
    pub fn max_running(mut self, max: usize) -> Self {
        self.max_running = max;
        self
    }

    /// Who is told of refusals and of work that took too long.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.timeout = self.timeout.listeners(listeners);
        self
    }

    /// Makes it. Fails if the name is empty or too long, and if nothing may run.
    pub fn build(self) -> Result<Blocking, ConfigError> {
        let check = Check::of(PolicyKind::Timeout);
        check.that(self.max_running > 0, "max_running", self.max_running, "at least 1")?;
        let shared = Arc::new(Shared::new(self.max_running));
        Ok(Blocking { timeout: self.timeout.build()?, shared })
    }
}
