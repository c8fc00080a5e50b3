//! How the detaching of work is configured.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{ConfigError, Listeners, Name};

use super::super::{Timeout, TimeoutBuilder};
use super::{DEFAULT_MAX_DETACHED, Detach, Shared};

/// Builds a [`Detach`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | `"detach"` | |
/// | [`limit`](Self::limit) | 30 s | [`DEFAULT_LIMIT`](crate::timeout::DEFAULT_LIMIT) |
/// | [`max_detached`](Self::max_detached) | 64 | work that outlives its callers piles up |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct DetachBuilder {
    timeout: TimeoutBuilder,
    max_detached: usize,
}

impl Default for DetachBuilder {
    fn default() -> Self {
        let timeout = Timeout::builder().name("detach");
        Self { timeout, max_detached: DEFAULT_MAX_DETACHED }
    }
}

impl DetachBuilder {
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

    /// How many pieces of work may go on without a caller. With 0 it is an ordinary timeout.
    pub fn max_detached(mut self, max: usize) -> Self {
        self.max_detached = max;
        self
    }

    /// Who is told of calls that were cut off, and of panics of work that went on.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.timeout = self.timeout.listeners(listeners);
        self
    }

    /// Makes it. Fails if the name is empty or too long.
    pub fn build(self) -> Result<Detach, ConfigError> {
        let shared = Arc::new(Shared::new(self.max_detached));
        Ok(Detach { timeout: self.timeout.build()?, shared })
    }
}
