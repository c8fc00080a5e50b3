use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use seawall_core::{ConfigError, Description, Inspect, Layer, LayerContext, Listeners, Policy};

/// A layer of the standard pipeline that is there even where it was left out: it then is one that
/// does nothing, and the description does not mention it.
///
/// An `Option` would have what is inside it in two places, and every call would pay for that.
#[derive(Clone, Debug)]
pub struct Omittable<P> {
    inner: P,
    /// For all handles, as a pipeline that runs can leave it out or put it back.
    omitted: Arc<AtomicBool>,
}

impl<P> Omittable<P> {
    /// What is inside, unless it was left out.
    pub fn get(&self) -> Option<&P> {
        if self.is_omitted() { None } else { Some(&self.inner) }
    }

    pub(super) fn is_omitted(&self) -> bool {
        self.omitted.load(Ordering::Relaxed)
    }

    pub(super) fn omit(&self, omitted: bool) {
        self.omitted.store(omitted, Ordering::Relaxed);
    }

    /// What is inside, though it may do nothing.
    pub(super) const fn inner(&self) -> &P {
        &self.inner
    }
}

impl<P: Policy> Policy for Omittable<P> {
    type Wrapped<'p, Op>
        = P::Wrapped<'p, Op>
    where
        Self: 'p;

    const CAN_BLOCK: bool = P::CAN_BLOCK;

    fn wrap<Op>(&self, op: Op) -> Self::Wrapped<'_, Op> {
        self.inner.wrap(op)
    }

    fn describe(&self, inner: Description) -> Description {
        if self.is_omitted() { inner } else { self.inner.describe(inner) }
    }

    fn inspect(&self, each: &mut dyn FnMut(Arc<dyn Inspect>)) {
        if !self.is_omitted() {
            self.inner.inspect(each);
        }
    }

    fn heard_by(self, listeners: &Listeners) -> Self {
        Self { inner: self.inner.heard_by(listeners), omitted: self.omitted }
    }
}

/// A layer that becomes an [`Omittable`] policy.
#[derive(Debug)]
pub(super) struct OmittableLayer<L> {
    inner: L,
    omitted: bool,
}

impl<L> OmittableLayer<L> {
    pub(super) const fn new(inner: L) -> Self {
        Self { inner, omitted: false }
    }

    /// `inner` does nothing.
    pub(super) const fn omitted(inner: L) -> Self {
        Self { inner, omitted: true }
    }
}

impl<L: Layer> Layer for OmittableLayer<L> {
    type Policy = Omittable<L::Policy>;

    fn into_policy(self, context: &LayerContext) -> Result<Self::Policy, ConfigError> {
        let Self { inner, omitted } = self;
        Ok(Omittable { inner: inner.into_policy(context)?, omitted: Arc::new(omitted.into()) })
    }
}
