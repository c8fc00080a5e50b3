use std::task::{Context, Poll};

use http::Request;
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use super::{ReplayBody, ReplayMemory};

/// Makes the bodies of requests ones that several attempts can read. It goes around a
/// [`PipelineLayer`](crate::PipelineLayer) that [repeats](crate::PipelineLayer::repeat)
/// [`ByReplay`](super::ByReplay). See [the chapter](super).
#[derive(Clone, Debug)]
pub struct ReplayLayer {
    per_request: usize,
    memory: ReplayMemory,
}

/// A service whose requests have bodies that several attempts can read, made by [`ReplayLayer`].
#[derive(Clone, Debug)]
pub struct ReplayService<S> {
    inner: S,
    layer: ReplayLayer,
}

impl ReplayLayer {
    /// The most that a request keeps unless another bound is given: 64 KiB. The bodies of nearly all
    /// calls of an API fit; what is larger is an upload.
    pub const DEFAULT_PER_REQUEST: usize = 64 << 10;

    /// Keeps up to [64 KiB](Self::DEFAULT_PER_REQUEST) a request, and
    /// [64 MiB](ReplayMemory::DEFAULT_LIMIT) over all requests of this layer.
    pub fn new() -> Self {
        Self { per_request: Self::DEFAULT_PER_REQUEST, memory: ReplayMemory::default() }
    }

    /// Keeps up to `bytes` a request. With 0 no body is kept, and only requests without one are
    /// repeated.
    #[must_use]
    pub const fn per_request(mut self, bytes: usize) -> Self {
        self.per_request = bytes;
        self
    }

    /// Keeps bodies in `memory`, which bounds all of them together.
    #[must_use]
    pub fn memory(mut self, memory: &ReplayMemory) -> Self {
        self.memory = memory.clone();
        self
    }

    /// `body`, to be read by several attempts.
    pub fn body<B: Body>(&self, body: B) -> ReplayBody<B> {
        ReplayBody::new(body, self.per_request, &self.memory)
    }
}

impl Default for ReplayLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ReplayLayer {
    type Service = ReplayService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ReplayService { inner, layer: self.clone() }
    }
}

impl<S, B> Service<Request<B>> for ReplayService<S>
where
    S: Service<Request<ReplayBody<B>>>,
    B: Body,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        self.inner.call(request.map(|body| self.layer.body(body)))
    }
}
