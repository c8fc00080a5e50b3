//! The builder of a timeout that detaches.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{ConfigError, Listeners, Name};

use super::super::{DEFAULT_LIMIT, DEFAULT_MAX_DETACHED, Timeout, TimeoutBuilder};
use super::Detach;
use crate::permits::Permits;

/// Builds a [`Detach`]. The [chapter](crate::timeout) has the table of defaults.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct DetachBuilder {
    timeout: TimeoutBuilder,
    limit: Duration,
    max_detached: usize,
}

impl Default for DetachBuilder {
    fn default() -> Self {
        let timeout = Timeout::builder().name("detach");
        Self { timeout, limit: DEFAULT_LIMIT, max_detached: DEFAULT_MAX_DETACHED }
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
        self.limit = limit;
        self
    }

    /// How many pieces of work may go on without their caller. With 0 it is an ordinary timeout.
    pub fn max_detached(mut self, max: usize) -> Self {
        self.max_detached = max;
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.timeout = self.timeout.listeners(listeners);
        self
    }

    /// Builds the timeout. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Detach, ConfigError> {
        let permits = Arc::new(Permits::new(self.max_detached));
        let timeout = self.timeout.build()?;
        Ok(Detach { timeout, limit: self.limit, permits, ended: Arc::default() })
    }
}
