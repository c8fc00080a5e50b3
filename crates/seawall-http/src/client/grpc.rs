//! A client of gRPC around a channel of tonic.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use seawall::{ConfigError, Error, Name, StandardPipeline};
use seawall_tower::replay::ReplayBody;
use tonic::body::Body;
use tonic::{Code, Status};
use tower_layer::Layer;
use tower_service::Service;

use super::{Builder, ClientBody, ClientFuture, ClientLayer, ClientService};
use crate::{DeadlineHeader, HttpOutcomes, Problem, RequestOptions};

/// A standard pipeline around a channel of tonic, or around any other service that a generated client
/// takes. Needs the feature `tonic`.
///
/// ```
/// use seawall_http::client::GrpcLayer;
/// use tonic::transport::Endpoint;
/// use tower::Layer;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let channel = Endpoint::from_static("http://inventory.example:50051").connect_lazy();
/// let channel = GrpcLayer::builder("inventory")
///     .options(GrpcLayer::options().paths(["/shop.Inventory/Find"]))
///     .build()?
///     .layer(channel);
/// // let mut client = InventoryClient::new(channel);
/// # drop(channel);
/// # Ok(())
/// # }
/// ```
///
/// - **What is repeated**: calls to [paths](RequestOptions::paths) that are said to be idempotent, and those
///   with [`Idempotent`](crate::Idempotent) in their extensions; others only where they were certainly not
///   carried out, such as `UNAVAILABLE` because there is no connection. `UNAVAILABLE` from the server is
///   no proof.
/// - **A status in trailers** counts for the limit and the circuit. It is repeated only if no message came
///   before it, and only if the layer [waits](Builder::wait_for_body) for the first one.
/// - **Deadlines**: `Request::set_timeout` is that of the whole call, and each attempt tells the server what
///   is left of it in `grpc-timeout`. So do the deadline in the extensions and the one of the scope.
/// - **Errors** are a [`Status`]: `DEADLINE_EXCEEDED` when out of time, `UNAVAILABLE` when refused. The
///   pipeline's error is its source.
#[derive(Clone, Debug)]
pub struct GrpcLayer(ClientLayer);

/// A channel with a pipeline around it, made by [`GrpcLayer`].
#[derive(Clone, Debug)]
pub struct GrpcService<S>(ClientService<Sender<S>>);

/// What [`GrpcLayer::builder`] builds.
#[derive(Clone, Copy, Debug)]
pub struct Grpc;

impl GrpcLayer {
    /// The layer with the defaults; `name` is the one of its policies.
    ///
    /// # Errors
    ///
    /// Where the name is refused.
    pub fn new(name: impl Into<Name>) -> Result<Self, ConfigError> {
        Self::builder(name).build()
    }

    /// Starts a layer whose policies or options are other than the defaults.
    pub fn builder(name: impl Into<Name>) -> Builder<Grpc> {
        Builder::through(name.into(), Grpc).options(Self::options())
    }

    /// The options of calls unless others are given: deadlines go out in `grpc-timeout`.
    pub fn options() -> RequestOptions {
        RequestOptions::new().deadline_header(DeadlineHeader::Grpc)
    }

    /// The pipeline, to look at what is in flight, or at its circuit.
    pub fn pipeline(&self) -> Arc<StandardPipeline<HttpOutcomes>> {
        self.0.pipeline("")
    }
}

impl Builder<Grpc> {
    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// Those of the pipeline.
    pub fn build(self) -> Result<GrpcLayer, ConfigError> {
        self.layer().map(|(layer, Grpc)| GrpcLayer(layer))
    }
}

impl<S> Layer<S> for GrpcLayer {
    type Service = GrpcService<S>;

    fn layer(&self, channel: S) -> GrpcService<S> {
        GrpcService(self.0.layer(Sender(channel)))
    }
}

impl<S> Service<Request<Body>> for GrpcService<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
    S::Error: StdError + Send + Sync + 'static,
{
    type Response = Response<ClientBody<Body>>;
    type Error = Status;
    type Future = GrpcFuture<S::Error>;

    /// Always ready: each attempt waits for the readiness of the channel that it calls.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        GrpcFuture(self.0.call(request))
    }
}

/// Sends bodies of tonic's type.
#[derive(Clone, Debug)]
struct Sender<S>(S);

impl<S> Service<Request<ReplayBody<Body>>> for Sender<S>
where
    S: Service<Request<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReplayBody<Body>>) -> S::Future {
        self.0.call(request.map(Body::new))
    }
}

/// A call of a [`GrpcService`]. Dropping it ends the attempt under way, and nothing is repeated.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct GrpcFuture<E>(ClientFuture<Body, E>);

impl<E: StdError + Send + Sync + 'static> Future for GrpcFuture<E> {
    type Output = Result<Response<ClientBody<Body>>, Status>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.0).poll(cx));
        Poll::Ready(outcome.map_err(status_of))
    }
}

/// The status of a call that has no answer.
fn status_of<E: StdError + Send + Sync + 'static>(error: Error<E>) -> Status {
    if error.operation().is_some() {
        // The channel's own error: tonic knows what it means.
        return Status::from_error(Box::new(error));
    }
    let code = i32::try_from(Problem::of(&error).grpc_status()).unwrap_or(0);
    let mut status = Status::new(Code::from_i32(code), error.to_string());
    status.set_source(Arc::new(error));
    status
}
