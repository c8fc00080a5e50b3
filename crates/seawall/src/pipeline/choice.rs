//! What was chosen for a layer of the standard pipeline.

use seawall_core::{ConfigError, Layer, LayerContext, Policy};

/// A layer that can be changed, replaced or left out.
pub(super) enum Choice<B, P> {
    /// The default, with what was changed about it.
    Tuned(B),
    Given(BoxedLayer<P>),
    None,
}

impl<B, P> Choice<B, P> {
    /// What was changed so far, to change more of it.
    pub(super) fn tuned_or(self, default: impl FnOnce() -> B) -> B {
        match self {
            Self::Tuned(builder) => builder,
            Self::Given(_) | Self::None => default(),
        }
    }
}

impl<B: Layer<Policy = P> + 'static, P> Choice<B, P> {
    pub(super) fn into_layer(self) -> Option<BoxedLayer<P>> {
        match self {
            Self::Tuned(builder) => Some(BoxedLayer::new(builder)),
            Self::Given(layer) => Some(layer),
            Self::None => None,
        }
    }
}

/// How a layer is made once the pipeline is built: holds a builder or a handle alike, so that the
/// type of the pipeline does not depend on which was given.
pub(super) struct BoxedLayer<P>(Box<Make<P>>);

type Make<P> = dyn FnOnce(&LayerContext) -> Result<P, ConfigError>;

impl<P> BoxedLayer<P> {
    pub(super) fn new(layer: impl Layer<Policy = P> + 'static) -> Self {
        Self(Box::new(|context| layer.into_policy(context)))
    }
}

impl<P: Policy> Layer for BoxedLayer<P> {
    type Policy = P;

    fn into_policy(self, context: &LayerContext) -> Result<P, ConfigError> {
        (self.0)(context)
    }
}
