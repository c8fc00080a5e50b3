//! The layer of a pipeline that lives as long as the process: no allocation a call.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use seawall::{AllTransient, Call, Classify, Error, Pipeline, Policy};
use tower_layer::Layer;
use tower_service::Service;

use crate::run::{Run, Wrapped};
use crate::{BoxedErrorsLayer, ByClone, CallOptions, NoOptions, PipelineLayer};

/// A pipeline that lives as long as the process, as a layer of tower. Made by
/// [`PipelineLayer::leaked`].
pub struct LeakedLayer<
    P: 'static,
    C: 'static = AllTransient,
    O: 'static = NoOptions,
    R: 'static = ByClone,
>(&'static PipelineLayer<P, C, O, R>);

/// A service behind a pipeline that lives as long as the process, made by [`LeakedLayer`].
///
/// It is always ready, like a [`PipelineService`](crate::PipelineService). Its future has a name, so
/// that a layer around it needs no box either, and is `Send` where its parts are.
pub struct LeakedService<
    S,
    P: 'static,
    C: 'static = AllTransient,
    O: 'static = NoOptions,
    R: 'static = ByClone,
> {
    inner: S,
    layer: &'static PipelineLayer<P, C, O, R>,
}

impl<P, C, O, R> LeakedLayer<P, C, O, R> {
    pub(crate) fn new(layer: PipelineLayer<P, C, O, R>) -> Self {
        Self(Box::leak(Box::new(layer)))
    }

    /// The same layer with errors as `Box<dyn Error + Send + Sync>`; see
    /// [`PipelineLayer::boxed_errors`].
    pub const fn boxed_errors(self) -> BoxedErrorsLayer<Self> {
        BoxedErrorsLayer::new(self)
    }

    /// The pipeline.
    pub fn pipeline(&self) -> &'static Pipeline<P, C> {
        &self.0.pipeline
    }
}

impl<S, P, C, O, R> Layer<S> for LeakedLayer<P, C, O, R> {
    type Service = LeakedService<S, P, C, O, R>;

    fn layer(&self, inner: S) -> Self::Service {
        LeakedService { inner, layer: self.0 }
    }
}

impl<S, Req, P, C, O, R> Service<Req> for LeakedService<S, P, C, O, R>
where
    S: Service<Req> + Clone,
    P: Policy,
    O: CallOptions<Req>,
    C: Classify<S::Response, S::Error>,
    Wrapped<'static, S, Req, P, C, O, R>: Call<Output = S::Response, Error = C::Failure>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = LeakedFuture<S, Req, P, C, O, R>;

    /// Always ready: see [the chapter](crate#readiness).
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        LeakedFuture { run: Run::new(self.layer, self.inner.clone(), request) }
    }
}

/// A call of a [`LeakedService`]. It does nothing before it is first polled, and gives back whatever
/// the policies hold for it when it is dropped, at any point.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct LeakedFuture<S, Req, P, C, O, R>
where
    P: Policy + 'static,
    C: 'static,
    O: 'static,
    R: 'static,
    Wrapped<'static, S, Req, P, C, O, R>: Call,
{
    #[pin]
    run: Run<'static, S, Req, P, C, O, R>,
}

impl<S, Req, P, C, O, R> Future for LeakedFuture<S, Req, P, C, O, R>
where
    S: Service<Req>,
    P: Policy,
    O: CallOptions<Req>,
    C: Classify<S::Response, S::Error>,
    Wrapped<'static, S, Req, P, C, O, R>: Call<Output = S::Response, Error = C::Failure>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().run.poll(cx)
    }
}

impl<P, C, O, R> Clone for LeakedLayer<P, C, O, R> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P, C, O, R> Copy for LeakedLayer<P, C, O, R> {}

impl<S: Clone, P, C, O, R> Clone for LeakedService<S, P, C, O, R> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), layer: self.layer }
    }
}

impl<P: Policy, C, O, R> fmt::Debug for LeakedLayer<P, C, O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakedLayer").field("pipeline", &self.0.pipeline).finish_non_exhaustive()
    }
}

impl<S: fmt::Debug, P: Policy, C, O, R> fmt::Debug for LeakedService<S, P, C, O, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LeakedService")
            .field("inner", &self.inner)
            .field("pipeline", &self.layer.pipeline)
            .finish_non_exhaustive()
    }
}

impl<S, Req, P, C, O, R> fmt::Debug for LeakedFuture<S, Req, P, C, O, R>
where
    P: Policy,
    Wrapped<'static, S, Req, P, C, O, R>: Call,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("LeakedFuture").field(&self.run).finish()
    }
}
