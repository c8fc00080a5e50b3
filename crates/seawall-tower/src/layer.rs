//! The layer, and the service that it makes.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use seawall::policy::{Chain, Identity};
use seawall::{
    AllTransient, Call, Classify, ConfigError, Error, Layer as PolicyLayer, Name, Pipeline, Policy,
};
use tower_layer::Layer;
use tower_service::Service;

use crate::run::Run;
use crate::{
    BoxedErrorsLayer, ByClone, CallOptions, LeakedLayer, NoOptions, ResponseFuture, ServiceCall,
};

/// A pipeline as a layer of tower. See [the chapter](crate).
///
/// All services that it makes, and their clones, share the pipeline: the circuit, the budget, the
/// limits.
pub struct PipelineLayer<P, C = AllTransient, O = NoOptions, R = ByClone> {
    pub(crate) pipeline: Arc<Pipeline<P, C>>,
    pub(crate) options: O,
    pub(crate) repeat: R,
}

/// A service behind a pipeline, made by [`PipelineLayer`].
///
/// It is always ready: each attempt waits for the readiness of the instance that it calls, within the
/// pipeline. A call allocates its future, and clones the inner service.
pub struct PipelineService<S, P, C = AllTransient, O = NoOptions, R = ByClone> {
    inner: S,
    layer: PipelineLayer<P, C, O, R>,
}

impl<P, C> PipelineLayer<P, C> {
    /// The layer of `pipeline`. A clone of the pipeline that is kept shares everything with it.
    pub fn new(pipeline: Pipeline<P, C>) -> Self {
        Self::from(Arc::new(pipeline))
    }
}

impl PipelineLayer<Identity> {
    /// A single policy as a layer: a breaker, a timeout, a limit, a panic guard, as its builder or as
    /// a handle.
    ///
    /// ```
    /// use seawall::Breaker;
    /// use seawall_tower::PipelineLayer;
    ///
    /// let layer = PipelineLayer::single("inventory", Breaker::builder().consecutive_failures(3))?;
    /// # drop(layer);
    /// # Ok::<_, seawall::ConfigError>(())
    /// ```
    pub fn single<L: PolicyLayer>(
        name: impl Into<Name>,
        policy: L,
    ) -> Result<PipelineLayer<Chain<Identity, L::Policy>>, ConfigError> {
        Ok(PipelineLayer::new(Pipeline::builder(name).layer(policy).build()?))
    }
}

impl<P, C> From<Arc<Pipeline<P, C>>> for PipelineLayer<P, C> {
    fn from(pipeline: Arc<Pipeline<P, C>>) -> Self {
        Self { pipeline, options: NoOptions, repeat: ByClone }
    }
}

impl<P, C, O, R> PipelineLayer<P, C, O, R> {
    /// Reads the options of a call from its request: its deadline, whether it may be repeated.
    pub fn options<N>(self, options: N) -> PipelineLayer<P, C, N, R> {
        PipelineLayer { pipeline: self.pipeline, options, repeat: self.repeat }
    }

    /// Says how requests are sent once more, in place of [cloning](ByClone) them: a
    /// [`Repeat`](crate::Repeat).
    pub fn repeat<N>(self, repeat: N) -> PipelineLayer<P, C, O, N> {
        PipelineLayer { pipeline: self.pipeline, options: self.options, repeat }
    }

    /// The same layer with a future that has a name and needs no allocation: the pipeline lives as
    /// long as the process.
    ///
    /// Its memory is never freed, so this is for pipelines that are made once, at the start.
    pub fn leaked(self) -> LeakedLayer<P, C, O, R> {
        LeakedLayer::new(self)
    }

    /// The same layer with errors as `Box<dyn Error + Send + Sync>`, for peers that demand exactly
    /// that, such as reqwest for its connector. `downcast_ref::<seawall::Error>()` finds the error.
    pub fn boxed_errors(self) -> BoxedErrorsLayer<Self> {
        BoxedErrorsLayer::new(self)
    }

    /// Sends one request to `service` through the pipeline, from where the layer is borrowed: without a
    /// box, and for services that borrow themselves.
    ///
    /// # Cancel safety
    ///
    /// The future does nothing before it is first polled. Dropped at any point, it gives back whatever
    /// the policies hold for it.
    pub fn call<'p, S, Req>(
        &'p self,
        service: S,
        request: Req,
    ) -> impl Future<Output = Result<S::Response, Error<S::Error>>> + use<'p, S, Req, P, C, O, R>
    where
        S: Service<Req>,
        P: Policy,
        O: CallOptions<Req>,
        C: Classify<S::Response, S::Error>,
        P::Wrapped<'p, ServiceCall<'p, S, Req, C, O, R>>:
            Call<Output = S::Response, Error = C::Failure>,
    {
        Run::new(self, service, request)
    }

    /// The pipeline.
    pub fn pipeline(&self) -> &Pipeline<P, C> {
        &self.pipeline
    }
}

impl<S, P, C, O: Clone, R: Clone> Layer<S> for PipelineLayer<P, C, O, R> {
    type Service = PipelineService<S, P, C, O, R>;

    fn layer(&self, inner: S) -> Self::Service {
        PipelineService { inner, layer: self.clone() }
    }
}

// Two lifetimes, that of the policies and that of the classifier: with one for both the compiler calls
// the boxed block "not general enough", as it erases each of the block's lifetimes apart.
impl<S, Req, P, C, O, R> Service<Req> for PipelineService<S, P, C, O, R>
where
    S: Service<Req> + Clone + Send + 'static,
    S::Response: 'static,
    S::Error: 'static,
    Req: Send + 'static,
    P: Policy + Send + Sync + 'static,
    C: Classify<S::Response, S::Error> + Send + Sync + 'static,
    O: CallOptions<Req> + Clone + Send + Sync + 'static,
    R: Clone + Send + Sync + 'static,
    for<'p, 'c> P::Wrapped<'p, ServiceCall<'c, S, Req, C, O, R>>:
        Call<Output = S::Response, Error = C::Failure, Future: Send> + Send,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Response, S::Error>;

    /// Always ready: see [the chapter](crate#readiness).
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let inner = self.inner.clone();
        let layer = self.layer.clone();
        // Allocated first, so that the call is made in its place and not moved there.
        let place = Box::new_uninit();
        let call = Box::write(place, async move { layer.call(inner, request).await });
        let call: Pin<Box<_>> = Box::into_pin(call);
        ResponseFuture::new(call)
    }
}

impl<P, C, O: Clone, R: Clone> Clone for PipelineLayer<P, C, O, R> {
    fn clone(&self) -> Self {
        Self {
            pipeline: Arc::clone(&self.pipeline),
            options: self.options.clone(),
            repeat: self.repeat.clone(),
        }
    }
}

impl<S: Clone, P, C, O: Clone, R: Clone> Clone for PipelineService<S, P, C, O, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer.clone() }
    }
}

impl<P: Policy, C, O, R> fmt::Debug for PipelineLayer<P, C, O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineLayer").field("pipeline", &self.pipeline).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, P: Policy, C, O, R> fmt::Debug for PipelineService<S, P, C, O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PipelineService")
            .field("inner", &self.inner)
            .field("pipeline", &self.layer.pipeline)
            .finish_non_exhaustive()
    }
}
