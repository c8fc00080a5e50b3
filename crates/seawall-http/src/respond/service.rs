//! The service that answers each request.

use std::convert::Infallible;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response, header};
use http_body::Body;
use seawall::Error;
use tower_service::Service;

use super::future::AsAnswer;
use super::{AnswerBody, RespondFuture, RespondLayer};
use crate::Problem;

/// A service that answers each request, made by [`RespondLayer`].
#[derive(Debug)]
pub struct RespondService<S> {
    inner: S,
    layer: RespondLayer,
    /// Of the inner service's readiness: the answer to the next request.
    failed: Option<Problem>,
}

impl<S> RespondService<S> {
    pub(super) const fn new(inner: S, layer: RespondLayer) -> Self {
        Self { inner, layer, failed: None }
    }
}

pub(crate) fn is_grpc(headers: &HeaderMap) -> bool {
    let content = headers.get(header::CONTENT_TYPE);
    content.is_some_and(|it| it.as_bytes().starts_with(b"application/grpc"))
}

impl<S, E, B, Bo> Service<Request<B>> for RespondService<S>
where
    S: Service<Request<B>, Response = Response<Bo>, Error = Error<E>>,
    Bo: Body<Data: From<String>>,
{
    type Response = Response<AnswerBody<Bo>>;
    type Error = Infallible;
    type Future = RespondFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        if self.failed.is_none() {
            match self.layer.contain.catch(|| self.inner.poll_ready(cx)) {
                Ok(Poll::Pending) => return Poll::Pending,
                Ok(Poll::Ready(Ok(()))) => {}
                Ok(Poll::Ready(Err(error))) => self.failed = Some(Problem::of(&error)),
                Err(caught) => self.failed = Some(caught.into()),
            }
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let RespondLayer { random, contain, .. } = &self.layer;
        let is_grpc = is_grpc(request.headers());
        let as_answer = AsAnswer { is_grpc, random: random.clone(), contain: contain.clone() };
        let deadline = match self.failed.take() {
            Some(problem) => Err(problem),
            None => self.layer.read(request.headers()),
        };
        let called = deadline.and_then(|deadline| {
            if self.layer.deadlines.is_some() {
                request.extensions_mut().insert(deadline);
            }
            let called = contain.catch(|| deadline.scope(self.inner.call(request)));
            called.map_err(Problem::from)
        });
        RespondFuture::new(called, as_answer)
    }
}

impl<S: Clone> Clone for RespondService<S> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), self.layer.clone())
    }
}
