//! What the builder of every policy has.

use tokio_util::sync::CancellationToken;

use crate::{Check, ConfigError, LayerContext, Listeners, Name, PolicyKind, Reporter};

/// The name, the listeners and the shutdown token of a policy that is being built.
///
/// A builder keeps one of these and hands its own setters on to it. In a pipeline, whatever was not
/// set is [taken from the pipeline](Self::fill).
#[derive(Clone, Debug, Default)]
pub struct Setup {
    name: Option<Name>,
    listeners: Option<Listeners>,
    shutdown: Option<CancellationToken>,
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

    /// Takes from the pipeline what was not set.
    #[must_use]
    pub fn fill(self, context: &LayerContext) -> Self {
        Self {
            name: self.name.or_else(|| Some(context.name.clone())),
            listeners: self.listeners.or_else(|| Some(context.listeners.clone())),
            shutdown: self.shutdown.or_else(|| context.shutdown.clone()),
        }
    }

    /// The token that stops the policy.
    pub const fn token(&self) -> Option<&CancellationToken> {
        self.shutdown.as_ref()
    }

    /// The reporter of a policy of this kind. Without a name it is named after its kind; without
    /// listeners it has a set of its own, which is empty.
    ///
    /// # Errors
    ///
    /// Refuses an empty name and one of more than [`Name::MAX_LEN`] bytes.
    pub fn reporter(&self, kind: PolicyKind) -> Result<Reporter, ConfigError> {
        let name = self.name.clone().unwrap_or_else(|| Name::from(kind.as_str()));
        let name = Check::of(kind).name(name)?;
        Ok(Reporter::new(name, kind, self.listeners.clone().unwrap_or_default()))
    }
}
