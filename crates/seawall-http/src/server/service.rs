//! What a server puts around its service, on each connection.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::header::{CONNECTION, HeaderValue};
use http::{Request, Response, StatusCode, Version};
use pin_project::pin_project;
use seawall::policy::Admission;
use seawall::shutdown::OwnedInFlightGuard;
use seawall::{Error, PolicyKind, Reason, Rejection, Shutdown};
use tower_service::Service;

use super::Peer;
use super::streams::PacedBody;
use super::watched::{ActiveRequest, Activity};
use crate::body_guard::Hold;
use crate::hold::{Acquire, Asked};

/// Admits the requests of a connection, and counts them as in flight.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) shutdown: Shutdown,
    pub(super) activity: Arc<Activity>,
    /// The connection was accepted after intake had stopped.
    pub(super) is_late: bool,
}

/// A request in flight, to the end of its answer.
#[derive(Debug)]
pub(super) struct ServedRequest {
    _active: ActiveRequest,
    /// Absent where the count is closed already. The drain waits for the connection then.
    _in_flight: Option<OwnedInFlightGuard>,
}

impl Acquire for Gate {
    type Permit = Hold<ServedRequest>;
    type Wait = std::future::Pending<Result<Self::Permit, Rejection>>;

    fn acquire(&self, _: Asked) -> Admission<Self::Permit, Self::Wait> {
        let active = self.activity.request();
        if self.is_late {
            let name = self.shutdown.name().clone();
            let refusal = Rejection::new(name, PolicyKind::Shutdown, Reason::ShuttingDown);
            return Admission::Refused(refusal);
        }
        // A request that was on its way when intake stopped is served: its client could not know.
        let in_flight = self.shutdown.in_flight().try_acquire_owned().ok();
        Admission::Granted(Hold(ServedRequest { _active: active, _in_flight: in_flight }))
    }
}

/// A service that never fails, as one that could.
#[derive(Clone, Debug)]
pub(super) struct Faultless<S>(pub(super) S);

impl<S: Service<Req, Error = Infallible>, Req> Service<Req> for Faultless<S> {
    type Response = S::Response;
    type Error = Error<Infallible>;
    type Future = FaultlessFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(cx).map_err(|never| match never {})
    }

    fn call(&mut self, request: Req) -> Self::Future {
        FaultlessFuture(self.0.call(request))
    }
}

#[pin_project]
#[derive(Debug)]
pub(super) struct FaultlessFuture<Fut>(#[pin] Fut);

impl<Fut: Future<Output = Result<T, Infallible>>, T> Future for FaultlessFuture<Fut> {
    type Output = Result<T, Error<Infallible>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().0.poll(cx).map_err(|never| match never {})
    }
}

/// Adds the address of the sender to requests, and asks clients of HTTP/1.1 to go elsewhere once the
/// shutdown has begun.
#[derive(Clone, Debug)]
pub(super) struct Connected<S> {
    pub(super) inner: S,
    pub(super) shutdown: Shutdown,
    pub(super) activity: Arc<Activity>,
    pub(super) peer: Option<SocketAddr>,
}

impl<S, B, Bo> Service<Request<B>> for Connected<S>
where
    S: Service<Request<B>, Response = Response<Bo>>,
{
    type Response = Response<PacedBody<Bo>>;
    type Error = S::Error;
    type Future = ConnectedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if let Some(peer) = self.peer {
            request.extensions_mut().insert(Peer(peer));
        }
        let says_close = request.version() < Version::HTTP_2;
        ConnectedFuture {
            shutdown: says_close.then(|| self.shutdown.clone()),
            activity: Arc::clone(&self.activity),
            future: self.inner.call(request),
        }
    }
}

#[pin_project]
#[derive(Debug)]
pub(super) struct ConnectedFuture<Fut> {
    #[pin]
    future: Fut,
    /// Absent over HTTP/2, where a frame says it.
    shutdown: Option<Shutdown>,
    activity: Arc<Activity>,
}

impl<Fut, B, E> Future for ConnectedFuture<Fut>
where
    Fut: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<PacedBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut answer = ready!(this.future.poll(cx))?.map(PacedBody::new);
        if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
            this.activity.upgraded();
        } else if this.shutdown.as_ref().is_some_and(Shutdown::is_shutting_down) {
            answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        Poll::Ready(Ok(answer))
    }
}
