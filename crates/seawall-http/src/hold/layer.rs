//! The layer, and the service that it makes.

use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use seawall::{Deadline, Error};
use tower_layer::Layer;
use tower_service::Service;

use super::{Acquire, Asked, HoldFuture};
use crate::body_guard::GuardedBody;
use crate::{NoPriority, ReadPriority};

/// Holds a permit of a limit for each request, to the end of the answer's body.
#[derive(Clone, Debug)]
pub struct HoldLayer<A, P = NoPriority> {
    from: A,
    priority: P,
}

/// A service whose answers hold a permit, made by [`HoldLayer`].
#[derive(Clone, Debug)]
pub struct HoldService<S, A, P = NoPriority> {
    inner: S,
    from: A,
    priority: P,
}

impl<A: Acquire + Clone> HoldLayer<A> {
    /// Takes permits from `from`: a [`Bulkhead`](seawall::Bulkhead), an
    /// [`AdaptiveLimit`](seawall::AdaptiveLimit), or what a shutdown
    /// [waits for](seawall::shutdown::InFlight).
    pub const fn new(from: A) -> Self {
        Self { from, priority: NoPriority }
    }
}

impl<A, P> HoldLayer<A, P> {
    /// Reads how important a request is from the request: where not all can be served, the least
    /// important are refused first. The limit says what that means, by its queue or its shares.
    pub fn priority<N>(self, priority: N) -> HoldLayer<A, N> {
        HoldLayer { from: self.from, priority }
    }
}

impl<S, A: Clone, P: Clone> Layer<S> for HoldLayer<A, P> {
    type Service = HoldService<S, A, P>;

    fn layer(&self, inner: S) -> Self::Service {
        HoldService { inner, from: self.from.clone(), priority: self.priority.clone() }
    }
}

impl<S, A, P, B, Bo, E> Service<Request<B>> for HoldService<S, A, P>
where
    S: Service<Request<B>, Response = Response<Bo>, Error = Error<E>> + Clone,
    A: Acquire,
    P: ReadPriority<Request<B>>,
    Bo: Body,
{
    type Response = Response<GuardedBody<Bo, A::Permit>>;
    type Error = S::Error;
    type Future = HoldFuture<S, Request<B>, A::Permit, A::Wait>;

    /// Always ready: a request waits for the inner service's readiness when it has its permit.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let deadline = request.extensions().get().copied().unwrap_or(Deadline::NEVER);
        let asked = Asked { priority: self.priority.priority(&request), deadline };
        HoldFuture::new(self.inner.clone(), request, self.from.acquire(asked))
    }
}
