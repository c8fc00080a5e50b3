//! How a pipeline turns what its builder was given into policies.

use tokio_util::sync::CancellationToken;

use crate::{Chain, ConfigError, Identity, Listeners, Name, Policy};

/// What a pipeline hands to the layers that it builds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayerContext {
    /// The pipeline's name, taken by policies that have none of their own.
    pub name: Name,
    /// The pipeline's listeners, told of what its policies do.
    pub listeners: Listeners,
    /// Cancelled when the process shuts down: policies stop repeating and waiting.
    pub shutdown: Option<CancellationToken>,
}

impl LayerContext {
    /// The context of a pipeline called `name`, with neither listeners nor a shutdown token.
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), listeners: Listeners::default(), shutdown: None }
    }
}

/// What can be added to a pipeline: a policy that is ready, or a builder whose mistakes come to
/// light when the pipeline is built.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer of a pipeline",
    label = "neither a policy nor its builder",
    note = "give a policy's builder, such as `Retry::builder()`, or the policy that it built"
)]
pub trait Layer {
    /// The policy that is made.
    type Policy: Policy;

    /// Makes the policy, or says which of its fields is wrong.
    fn into_policy(self, context: &LayerContext) -> Result<Self::Policy, ConfigError>;
}

impl Layer for Identity {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

impl<Outer: Layer, Inner: Layer> Layer for Chain<Outer, Inner> {
    type Policy = Chain<Outer::Policy, Inner::Policy>;

    fn into_policy(self, context: &LayerContext) -> Result<Self::Policy, ConfigError> {
        Ok(Chain::new(self.outer.into_policy(context)?, self.inner.into_policy(context)?))
    }
}

impl<L: Layer> Layer for Option<L> {
    type Policy = Option<L::Policy>;

    fn into_policy(self, context: &LayerContext) -> Result<Self::Policy, ConfigError> {
        self.map(|layer| layer.into_policy(context)).transpose()
    }
}
