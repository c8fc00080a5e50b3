//! How a timeout is configured.

use std::fmt;
use std::time::Duration;

use seawall_core::{
    Attempt, Check, ConfigError, Layer, LayerContext, Listeners, Name, PolicyKind, Scope,
};

use super::policy::Identity;
use super::{Limit, Timeout};

/// How long a whole call may take, unless set: what a person or an upstream proxy waits for at
/// most. Most of these give up after 30 or 60 seconds; an answer that comes later is for nobody.
pub const DEFAULT_LIMIT: Duration = Duration::from_secs(30);

/// How long one attempt may take, unless set: three attempts fit into [`DEFAULT_LIMIT`].
pub const DEFAULT_ATTEMPT_LIMIT: Duration = Duration::from_secs(10);

/// Builds a [`Timeout`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | the pipeline's, `"timeout"` alone | |
/// | [`scope`](Self::scope) | [`Scope::Total`] | what a caller means by a timeout |
/// | [`limit`](Self::limit) | 30 s in all, 10 s for an attempt | [`DEFAULT_LIMIT`], [`DEFAULT_ATTEMPT_LIMIT`] |
#[derive(Clone)]
#[must_use = "a builder does nothing until it is built"]
pub struct TimeoutBuilder<L = Duration> {
    name: Option<Name>,
    scope: Scope,
    limit: Option<L>,
    listeners: Option<Listeners>,
}

impl Default for TimeoutBuilder {
    fn default() -> Self {
        Self { name: None, scope: Scope::Total, limit: None, listeners: None }
    }
}

impl<L> TimeoutBuilder<L> {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// What the timeout bounds: the whole call or one attempt. It is told in errors; what is
    /// bounded in fact is what the timeout is put around.
    pub fn scope(mut self, scope: Scope) -> Self {
        self.scope = scope;
        self
    }

    /// How long a call may take, counted from its start.
    ///
    /// Zero: polled once, a value that is ready wins. Longer than [`LONGEST`](super::LONGEST),
    /// about 2.2 years, [`Duration::MAX`] included: never cut off by its own limit.
    pub fn limit(self, limit: Duration) -> TimeoutBuilder {
        self.with_limit(limit)
    }

    /// How long a call may take, decided for each by `limit`, which is told the number of the
    /// attempt, the deadline from further out and what the attempt before came to.
    ///
    /// If it panics, the operation is not started, and the call fails with
    /// [`Error::Panicked`](seawall_core::Error::Panicked).
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
    pub fn limit_by<F>(self, limit: F) -> TimeoutBuilder<F>
    where
        F: Fn(&Attempt) -> Duration,
    {
        self.with_limit(limit)
    }

    fn with_limit<M>(self, limit: M) -> TimeoutBuilder<M> {
        let Self { name, scope, limit: _, listeners } = self;
        TimeoutBuilder { name, scope, limit: Some(limit), listeners }
    }

    /// Who is told of calls that were cut off.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = Some(listeners.clone());
        self
    }
}

impl<L: Limit> TimeoutBuilder<L> {
    /// Makes the timeout. Fails if the name is empty or too long.
    pub fn build(self) -> Result<Timeout<L>, ConfigError> {
        let check = Check::of(PolicyKind::Timeout);
        let name = check.name(self.name.unwrap_or_else(|| Name::from("timeout")))?;
        let limit = self.limit.or_else(|| L::default_for(self.scope)).ok_or_else(|| {
            ConfigError::new(PolicyKind::Timeout, "limit", "not set", "a duration or a function")
        })?;
        let listeners = self.listeners.unwrap_or_default();
        Ok(Timeout { identity: Identity { name, scope: self.scope, listeners }, limit })
    }
}

impl<L: Limit> Layer for TimeoutBuilder<L> {
    type Policy = Timeout<L>;

    fn into_policy(mut self, context: &LayerContext) -> Result<Timeout<L>, ConfigError> {
        self.name.get_or_insert_with(|| context.name.clone());
        self.listeners.get_or_insert_with(|| context.listeners.clone());
        self.build()
    }
}

impl<L> fmt::Debug for TimeoutBuilder<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeoutBuilder")
            .field("name", &self.name)
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}
