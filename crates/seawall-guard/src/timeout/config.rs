//! The builder of a timeout.

use std::sync::Arc;
use std::time::Duration;

use seawall_core::{
    Attempt, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Scope, Setup,
};

use super::Timeout;
use super::defaults::default_limit;
use super::limit::Limit;

/// Builds a [`Timeout`]. The [chapter](super) has the table of defaults.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct TimeoutBuilder {
    setup: Setup,
    pub(super) scope: Scope,
    limit: Option<Limit>,
}

impl Default for TimeoutBuilder {
    fn default() -> Self {
        Self { setup: Setup::default(), scope: Scope::Total, limit: None }
    }
}

impl TimeoutBuilder {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// A label for errors and events: the whole call or one attempt. The timeout bounds whatever it
    /// wraps.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// How long a call may take, counted from its start.
    ///
    /// With zero the call is polled once, and a value that is ready wins. A limit longer than
    /// [`MAX_LIMIT`](super::MAX_LIMIT), about 2.2 years, never runs out; [`Duration::MAX`] says so.
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(Limit::fixed(limit));
        self
    }

    /// How long a call may take, decided for each call from its attempt: the number, the deadline of
    /// the layers outside, and the class of the previous attempt. A [call](super::Timeout::call)
    /// without a pipeline that is ready when it is first polled needs none, and `limit` is not asked.
    ///
    /// If `limit` panics, that is reported, and the default limit of the [scope](Self::scope) counts.
    ///
    /// ```
    /// use std::time::Duration;
    /// use seawall_core::Scope;
    /// use seawall_guard::Timeout;
    ///
    /// // Half a second, a second, two seconds, ..
    /// let patient = Timeout::builder()
    ///     .scope(Scope::Attempt)
    ///     .limit_by(|attempt| Duration::from_millis(250) * 2_u32.pow(attempt.number().min(8)))
    ///     .build()?;
    /// # Ok::<(), seawall_core::ConfigError>(())
    /// ```
    pub fn limit_by<F>(mut self, limit: F) -> Self
    where
        F: Fn(&Attempt) -> Duration + Send + Sync + 'static,
    {
        self.limit = Some(Limit::By(Arc::new(limit)));
        self
    }

    /// The listeners that receive its events.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Builds the timeout. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Timeout, ConfigError> {
        let reporter = self.setup.reporter(PolicyKind::Timeout)?;
        let scope = self.scope;
        Ok(Timeout { reporter, scope, limit: self.into_limit() })
    }

    pub(super) fn into_limit(self) -> Limit {
        self.limit.unwrap_or_else(|| Limit::fixed(default_limit(self.scope)))
    }
}

impl Layer for TimeoutBuilder {
    type Policy = Timeout;

    fn into_policy(mut self, context: &LayerContext) -> Result<Timeout, ConfigError> {
        self.setup = self.setup.fill(context);
        self.build()
    }
}
