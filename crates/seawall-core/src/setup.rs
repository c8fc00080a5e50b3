//! What the builder of every policy has.

use tokio_util::sync::CancellationToken;

use crate::{Check, ConfigError, LayerContext, Listeners, Name, PolicyKind, Random, Reporter};

/// The name, the listeners, the shutdown token and the source of random numbers of a policy that is being built.
///
/// A builder keeps one of these and hands its own setters on to it. In a pipeline, whatever was not
/// set is [taken from the pipeline](Self::fill).
#[derive(Clone, Debug, Default)]
pub struct Setup {
    name: Option<Name>,
    listeners: Option<Listeners>,
    shutdown: Option<CancellationToken>,
    random: Option<Random>,
}

impl Setup {
    /// Sets the policy's name.
    pub fn name(&mut self, name: impl Into<Name>) {
        self.name = Some(name.into());
    }

    /// Sets the listeners that receive the policy's events.
    pub fn listeners(&mut self, listeners: &Listeners) {
        self.listeners = Some(listeners.clone());
    }

    /// Sets the token that is cancelled when the process shuts down.
    pub fn shutdown(&mut self, token: CancellationToken) {
        self.shutdown = Some(token);
    }

    /// Sets the source of the policy's random numbers.
    pub fn random(&mut self, random: Random) {
        self.random = Some(random);
    }

    /// Takes from the pipeline what was not set. A source of random numbers is
    /// [split](Random::split), so that what one policy draws does not depend on the others.
    ///
    /// Call it once for each policy that is built: each call splits the pipeline's source again.
    #[must_use]
    pub fn fill(self, context: &LayerContext) -> Self {
        Self {
            name: self.name.or_else(|| Some(context.name.clone())),
            listeners: self.listeners.or_else(|| Some(context.listeners.clone())),
            shutdown: self.shutdown.or_else(|| context.shutdown.clone()),
            random: self.random.or_else(|| context.random.as_ref().map(Random::split)),
        }
    }

    /// `error` of the policy's `build()`, with the policy's name where it has a good one.
    #[must_use]
    pub fn name_error(&self, error: ConfigError) -> ConfigError {
        match &self.name {
            Some(name) => error.of(name),
            None => error,
        }
    }

    /// The token that stops the policy.
    pub const fn token(&self) -> Option<&CancellationToken> {
        self.shutdown.as_ref()
    }

    /// The source of the policy's random numbers. Without one they come from the thread's
    /// generator.
    pub const fn source(&self) -> Option<&Random> {
        self.random.as_ref()
    }

    /// The reporter of a policy of this kind. Without a name it is named after its kind; without
    /// listeners it has a set of its own, which is empty.
    ///
    /// # Errors
    ///
    /// Refuses an empty name, one of more than [`Name::MAX_LEN`] bytes, and control characters.
    pub fn reporter(&self, kind: PolicyKind) -> Result<Reporter, ConfigError> {
        let name = self.name.clone().unwrap_or_else(|| Name::from(kind.as_str()));
        let name = Check::of(kind).name(name)?;
        Ok(Reporter::new(name, kind, self.listeners.clone().unwrap_or_default()))
    }
}
