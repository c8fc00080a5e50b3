//! The client as a layer around whatever sends requests.

use std::error::Error as StdError;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use http_body::Body;
use seawall::policy::Keyed;
use seawall::{Attempt, ConfigError, Error, Name, Standard, StandardPipeline};
use seawall_tower::replay::{ByReplay, ReplayBody, ReplayLayer};
use seawall_tower::{BoxError, CallOptions, PipelineLayer, ResponseFuture};
use tower_layer::Layer;
use tower_service::Service;

use super::authority::OfAuthority;
use super::first_frame::{FirstFrame, Peeked};
use super::{Builder, ClientBody, body};
use crate::{HttpOutcomes, RequestHead, RequestOptions};

/// A client's standard pipeline for each authority, as a layer around a service that sends requests of
/// [`http`]. See [the chapter](super). Clones share everything.
#[derive(Clone)]
pub struct ClientLayer {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) pipelines: Keyed<String, OfAuthority>,
    pub(super) options: RequestOptions,
    pub(super) replay: ReplayLayer,
    pub(super) waits_for_body: bool,
}

/// A service that survives its servers, made by [`ClientLayer`].
#[derive(Clone)]
pub struct ClientService<S> {
    inner: FirstFrame<S>,
    layer: ClientLayer,
}

impl ClientLayer {
    /// The layer with the defaults; `name` is the one of its policies.
    ///
    /// # Errors
    ///
    /// Where the name is refused.
    pub fn new(name: impl Into<Name>) -> Result<Self, ConfigError> {
        Self::builder(name).build()
    }

    /// Starts a layer whose policies or options are other than the defaults.
    pub fn builder(name: impl Into<Name>) -> Builder {
        Builder::through(name.into(), ())
    }

    pub(super) fn of(shared: Shared) -> Self {
        Self { shared: Arc::new(shared) }
    }

    /// The pipeline of an authority, such as `inventory.example:8080`, to look at what is in flight, or
    /// at its circuit. It is made if there was no request to it yet.
    pub fn pipeline(&self, authority: &str) -> Arc<StandardPipeline<HttpOutcomes>> {
        self.shared.pipelines.get(authority).pipeline()
    }

    /// How many authorities have a pipeline now.
    pub fn authorities(&self) -> usize {
        self.shared.pipelines.len()
    }

    /// The name of its policies.
    pub fn name(&self) -> &Name {
        self.shared.pipelines.name()
    }

    /// The pipeline that a request goes through.
    pub(super) fn route<B>(&self, request: &Request<B>) -> Arc<StandardPipeline<HttpOutcomes>> {
        let authority = request.uri().authority().map_or("", |authority| authority.as_str());
        let of_authority = self.shared.pipelines.get(authority);
        of_authority.for_request(self.shared.options.is_read(request))
    }

    /// How a request is called through its pipeline.
    pub(super) fn through(
        &self,
        pipeline: &Arc<StandardPipeline<HttpOutcomes>>,
    ) -> PipelineLayer<Standard, HttpOutcomes, ByHead, ByReplay> {
        let options = ByHead(Arc::clone(&self.shared));
        PipelineLayer::from(Arc::clone(pipeline)).options(options).repeat(ByReplay)
    }
}

impl<S> Layer<S> for ClientLayer {
    type Service = ClientService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        let inner = FirstFrame::new(inner, self.shared.waits_for_body);
        ClientService { inner, layer: self.clone() }
    }
}

/// The options of the layer.
#[derive(Clone)]
pub(super) struct ByHead(Arc<Shared>);

impl<Req: RequestHead> CallOptions<Req> for ByHead {
    fn first_attempt(&self, request: &Req) -> Attempt {
        self.0.options.first_attempt(request)
    }

    fn prepare(&self, request: &mut Req, attempt: &Attempt) {
        self.0.options.prepare(request, attempt);
    }
}

impl<S> ClientService<S> {
    /// The layer that it was made by.
    pub const fn layer(&self) -> &ClientLayer {
        &self.layer
    }

    /// Sends a request whose body several attempts can read.
    pub(super) fn send<B, Bo>(&self, request: Request<ReplayBody<B>>) -> ClientFuture<Bo, S::Error>
    where
        S: Service<Request<ReplayBody<B>>, Response = Response<Bo>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: StdError + Send + 'static,
        B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
        Bo: Body<Data: Send, Error: Send> + Unpin + Send + 'static,
    {
        let pipeline = self.layer.route(&request);
        let layer = self.layer.through(&pipeline);
        let call = layer.layer(self.inner.clone()).call(request);
        ClientFuture { call, pipeline }
    }
}

impl<S, B, Bo> Service<Request<B>> for ClientService<S>
where
    S: Service<Request<ReplayBody<B>>, Response = Response<Bo>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: StdError + Send + 'static,
    B: Body<Data: Send, Error: Into<BoxError>> + Send + 'static,
    Bo: Body<Data: Send, Error: Send> + Unpin + Send + 'static,
{
    type Response = Response<ClientBody<Bo>>;
    type Error = Error<S::Error>;
    type Future = ClientFuture<Bo, S::Error>;

    /// Always ready: each attempt waits for the readiness of the service that it calls.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let replay = &self.layer.shared.replay;
        self.send(request.map(|body| replay.body(body)))
    }
}

/// A request of a [`ClientService`]. Dropping it ends the attempt under way, and nothing is repeated.
#[must_use = "futures do nothing unless polled"]
pub struct ClientFuture<Bo: Body + Unpin, E> {
    call: ResponseFuture<Response<Peeked<Bo>>, E>,
    pipeline: Arc<StandardPipeline<HttpOutcomes>>,
}

impl<Bo: Body + Unpin, E> Future for ClientFuture<Bo, E> {
    type Output = Result<Response<ClientBody<Bo>>, Error<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.call).poll(cx))?;
        Poll::Ready(Ok(answer.map(|body| body::guarded(body, &self.pipeline))))
    }
}

impl fmt::Debug for ClientLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientLayer")
            .field("name", self.name())
            .field("authorities", &self.authorities())
            .finish_non_exhaustive()
    }
}

impl<S> fmt::Debug for ClientService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientService").field("layer", &self.layer).finish_non_exhaustive()
    }
}

impl<Bo: Body + Unpin, E> fmt::Debug for ClientFuture<Bo, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientFuture").finish_non_exhaustive()
    }
}
