//! Errors behind a box, for peers that demand that.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

/// An error behind a box, as tower's own middleware and reqwest's connectors have it.
pub type BoxError = Box<dyn Error + Send + Sync>;

/// A layer whose service fails with a [`BoxError`]; made by
/// [`PipelineLayer::boxed_errors`](crate::PipelineLayer::boxed_errors).
#[derive(Clone, Copy, Debug)]
pub struct BoxedErrorsLayer<L>(L);

/// A service that fails with a [`BoxError`].
#[derive(Clone, Copy, Debug)]
pub struct BoxedErrors<S>(S);

impl<L> BoxedErrorsLayer<L> {
    pub(crate) const fn new(layer: L) -> Self {
        Self(layer)
    }
}

impl<S, L: Layer<S>> Layer<S> for BoxedErrorsLayer<L> {
    type Service = BoxedErrors<L::Service>;

    fn layer(&self, inner: S) -> Self::Service {
        BoxedErrors(self.0.layer(inner))
    }
}

impl<Req, S, E> Service<Req> for BoxedErrors<S>
where
    S: Service<Req, Error = seawall::Error<E>>,
    E: Into<BoxError>,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxedErrorsFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx).map_err(boxed)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        BoxedErrorsFuture(self.0.call(request))
    }
}

/// The operation's own error may be a box itself, as that of reqwest's connector is.
fn boxed<E: Into<BoxError>>(error: seawall::Error<E>) -> BoxError {
    error.boxed().into()
}

/// A call of a service that fails with a [`BoxError`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct BoxedErrorsFuture<Fut>(#[pin] Fut);

impl<Fut, T, E> Future for BoxedErrorsFuture<Fut>
where
    Fut: Future<Output = Result<T, seawall::Error<E>>>,
    E: Into<BoxError>,
{
    type Output = Result<T, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().0.poll(cx).map_err(boxed)
    }
}
