//! How a pipeline turns what its builder was given into policies.

use tokio_util::sync::CancellationToken;

use crate::{Chain, ConfigError, Listeners, Name, Optional, Policy, Random};

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

/// Every policy is a layer: it was built before, and is added as it is.
impl<P: Policy> Layer for P {
    type Policy = P;

    fn into_policy(self, _: &LayerContext) -> Result<P, ConfigError> {
        Ok(self)
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
