//! Layers of tower: a context for each request that comes in, and its headers on what goes out.

use std::pin::Pin;
use std::sync::Arc;
use std::task;

use http::{HeaderName, HeaderValue, Request, Response};
use pin_project::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::context::{CORRELATION_ID, Context, InContext};

/// Runs each request in the [`Context`] that its headers give, or in a new one, and answers with its
/// correlation id.
#[derive(Clone, Debug, Default)]
pub struct ContextLayer(());

impl ContextLayer {
    /// A layer. Put it outside of whatever logs, captures or calls.
    pub const fn new() -> Self {
        Self(())
    }
}

impl<S> Layer<S> for ContextLayer {
    type Service = ContextService<S>;

    fn layer(&self, inner: S) -> ContextService<S> {
        ContextService { inner }
    }
}

/// A service with a [`ContextLayer`] around it.
#[derive(Clone, Debug)]
pub struct ContextService<S> {
    inner: S,
}

impl<S, B, A> Service<Request<B>> for ContextService<S>
where
    S: Service<Request<B>, Response = Response<A>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Identified<S::Future>;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let headers = request.headers();
        let context = Context::from_headers(|name| headers.get(name).map(HeaderValue::as_bytes));
        // `call` itself may log, too.
        let future = context.run(|| self.inner.call(request));
        let id = HeaderValue::from_str(context.correlation_id()).ok();
        Identified { future: context.scope(future), id }
    }
}

/// The answer to come, with the correlation id.
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Identified<Fut> {
    #[pin]
    future: InContext<Fut>,
    id: Option<HeaderValue>,
}

impl<Fut, A, E> Future for Identified<Fut>
where
    Fut: Future<Output = Result<Response<A>, E>>,
{
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> task::Poll<Self::Output> {
        let this = self.project();
        let mut answer = task::ready!(this.future.poll(cx));
        if let (Ok(answer), Some(id)) = (&mut answer, this.id.take()) {
            answer.headers_mut().insert(HeaderName::from_static(CORRELATION_ID), id);
        }
        task::Poll::Ready(answer)
    }
}

/// Sends the current [`Context`] on with each request, as its [headers](Context::headers). What a
/// request has already stays.
#[derive(Clone, Debug)]
pub struct PropagateLayer {
    source: Arc<str>,
}

impl PropagateLayer {
    /// Sends it from the service `source`.
    pub fn new(source: &str) -> Self {
        Self { source: source.into() }
    }
}

impl<S> Layer<S> for PropagateLayer {
    type Service = PropagateService<S>;

    fn layer(&self, inner: S) -> PropagateService<S> {
        PropagateService { inner, source: Arc::clone(&self.source) }
    }
}

/// A client with a [`PropagateLayer`] around it.
#[derive(Clone, Debug)]
pub struct PropagateService<S> {
    inner: S,
    source: Arc<str>,
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for PropagateService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut task::Context<'_>) -> task::Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(context) = Context::current() {
            for (name, value) in context.headers(&self.source) {
                if let Ok(value) = HeaderValue::from_str(&value) {
                    request.headers_mut().entry(HeaderName::from_static(name)).or_insert(value);
                }
            }
        }
        self.inner.call(request)
    }
}
