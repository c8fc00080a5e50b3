//! The paths by which a balancer and an orchestrator ask how a server is.

use std::future::{Future, Ready, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use http::header::{CACHE_CONTROL, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use pin_project::pin_project;
use seawall::Shutdown;
use seawall::shutdown::{Liveness, Readiness};
use tower_layer::Layer;
use tower_service::Service;

use crate::AnswerBody;

/// Answers `/health/ready` and `/health/live` for a server that is shut down by a [`Shutdown`], before
/// any limit, so that a server that is busy is not taken for a dead one.
///
/// | path | 200 | 503 |
/// |---|---|---|
/// | `/health/ready` | requests are welcome | the shutdown has begun: balancers look elsewhere |
/// | `/health/live` | every [heartbeat](Shutdown::heartbeat) beats | one is silent: restart the process |
///
/// Both answer GET and HEAD. That the layer asks for the readiness switches the shutdown's drain delay
/// on: there is somebody that can notice.
#[derive(Clone, Debug)]
pub struct HealthLayer {
    readiness: Readiness,
    liveness: Liveness,
}

/// A service whose health can be asked for, made by [`HealthLayer`].
#[derive(Clone, Debug)]
pub struct HealthService<S> {
    inner: S,
    /// Absent in a [`ServerLayer`](crate::ServerLayer) without a shutdown.
    layer: Option<HealthLayer>,
}

impl<S> HealthService<S> {
    pub(crate) const fn new(inner: S, layer: Option<HealthLayer>) -> Self {
        Self { inner, layer }
    }
}

impl HealthLayer {
    /// The path that says whether requests are welcome.
    pub const READY: &'static str = "/health/ready";
    /// The path that says whether the process makes progress.
    pub const LIVE: &'static str = "/health/live";

    /// Answers with the readiness and the liveness of `shutdown`.
    pub fn new(shutdown: &Shutdown) -> Self {
        Self { readiness: shutdown.readiness(), liveness: shutdown.liveness() }
    }

    fn answer<B>(&self, request: &Request<B>) -> Option<(StatusCode, &'static str)> {
        let (is_well, well, ill) = match request.uri().path() {
            Self::READY => (self.readiness.is_ready(), "ready\n", "shutting down\n"),
            Self::LIVE => (self.liveness.is_alive(), "live\n", "stalled\n"),
            _ => return None,
        };
        let answer =
            if is_well { (StatusCode::OK, well) } else { (StatusCode::SERVICE_UNAVAILABLE, ill) };
        [Method::GET, Method::HEAD].contains(request.method()).then_some(answer)
    }
}

impl<S> Layer<S> for HealthLayer {
    type Service = HealthService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HealthService::new(inner, Some(self.clone()))
    }
}

impl<S, B, Bo> Service<Request<B>> for HealthService<S>
where
    S: Service<Request<B>, Response = Response<AnswerBody<Bo>>>,
    Bo: Body<Data: From<String>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = HealthFuture<S::Future, S::Response, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let health = self.layer.as_ref().and_then(|layer| layer.answer(&request));
        let Some((status, text)) = health else {
            return HealthFuture::Other(self.inner.call(request));
        };
        let mut answer = Response::new(AnswerBody::text(text.to_owned()));
        *answer.status_mut() = status;
        answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        HealthFuture::Health(ready(Ok(answer)))
    }
}

/// A request of a [`HealthService`].
#[pin_project(project = HealthProjection)]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub enum HealthFuture<Fut, T, E> {
    /// One of the two paths.
    Health(#[pin] Ready<Result<T, E>>),
    /// Any other.
    Other(#[pin] Fut),
}

impl<Fut: Future<Output = Result<T, E>>, T, E> Future for HealthFuture<Fut, T, E> {
    type Output = Result<T, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            HealthProjection::Health(health) => health.poll(cx),
            HealthProjection::Other(other) => other.poll(cx),
        }
    }
}
