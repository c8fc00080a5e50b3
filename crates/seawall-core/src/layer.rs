//! Layers: what a pipeline's builder turns into policies.

use tokio_util::sync::CancellationToken;

use crate::{Chain, ConfigError, Listeners, Name, Optional, Policy, Random};

/// The context in which a pipeline builds its layers.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LayerContext {
    /// The pipeline's name, taken by policies that have none of their own.
    pub name: Name,
    /// The pipeline's listeners, which receive the events of its policies.
    pub listeners: Listeners,
    /// Cancelled when the process shuts down: policies stop repeating and waiting.
    pub shutdown: Option<CancellationToken>,
    /// The source of the random numbers of all policies. Each takes a sequence of its own from it.
    pub random: Option<Random>,
}

impl LayerContext {
    /// The context of a pipeline called `name`, with neither listeners nor a shutdown token; random
    /// numbers come from the thread's generator.
    pub fn new(name: impl Into<Name>) -> Self {
        Self { name: name.into(), listeners: Listeners::default(), shutdown: None, random: None }
    }
}

/// A layer of a pipeline: a policy that exists, or a builder, whose errors show when the pipeline is
/// built.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer of a pipeline",
    label = "neither a policy nor its builder",
    note = "give a policy's builder, such as `Retry::builder()`, or the policy that it built"
)]
pub trait Layer {
    /// The policy that is made.
    type Policy: Policy;

    /// Makes the policy.
    ///
    /// # Errors
    ///
    /// Name the field and the allowed range.
    fn into_policy(self, context: &LayerContext) -> Result<Self::Policy, ConfigError>;
}

/// Every policy is a layer: it was built before, and is added as it is, with the pipeline's
/// listeners in addition to its own.
impl<P: Policy> Layer for P {
    type Policy = P;

    fn into_policy(self, context: &LayerContext) -> Result<P, ConfigError> {
        Ok(self.heard_by(&context.listeners))
    }
}

impl<L: Layer> Layer for Option<L> {
    type Policy = Optional<L::Policy>;

    fn into_policy(self, context: &LayerContext) -> Result<Self::Policy, ConfigError> {
        self.map(|layer| layer.into_policy(context)).transpose().map(Optional)
    }
}

/// Two layers, one around the other, that become a [`Chain`] of policies.
#[derive(Clone, Copy, Debug)]
pub struct Layers<Outer, Inner> {
    outer: Outer,
    inner: Inner,
}

impl<Outer, Inner> Layers<Outer, Inner> {
    /// `outer` around `inner`.
    pub const fn new(outer: Outer, inner: Inner) -> Self {
        Self { outer, inner }
    }
}

impl<Outer: Layer, Inner: Layer> Layer for Layers<Outer, Inner> {
    type Policy = Chain<Outer::Policy, Inner::Policy>;

    fn into_policy(self, context: &LayerContext) -> Result<Self::Policy, ConfigError> {
        Ok(Chain::new(self.outer.into_policy(context)?, self.inner.into_policy(context)?))
    }
}
