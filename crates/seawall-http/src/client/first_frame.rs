//! Answers that count as answers only when their body has begun.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::{HeaderMap, Response};
use http_body::{Body, Frame, SizeHint};
use pin_project::pin_project;
use tower_service::Service;

use crate::answer::Broken;

/// A service whose answers come when the first frame of their body is there, if it `waits`.
#[derive(Clone, Debug)]
pub(super) struct FirstFrame<S> {
    inner: S,
    waits: bool,
}

/// A body whose first frame may have been read already.
pub(super) struct Peeked<B: Body> {
    first: Option<Result<Frame<B::Data>, B::Error>>,
    body: B,
}

impl<S> FirstFrame<S> {
    pub(super) const fn new(inner: S, waits: bool) -> Self {
        Self { inner, waits }
    }
}

impl<S, Req, B> Service<Req> for FirstFrame<S>
where
    S: Service<Req, Response = Response<B>>,
    B: Body + Unpin,
{
    type Response = Response<Peeked<B>>;
    type Error = S::Error;
    type Future = FirstFrameFuture<S::Future, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        FirstFrameFuture { call: self.inner.call(request), answer: None, waits: self.waits }
    }
}

#[pin_project]
pub(super) struct FirstFrameFuture<Fut, B> {
    #[pin]
    call: Fut,
    /// Its head came, and the first frame is waited for.
    answer: Option<Response<B>>,
    waits: bool,
}

impl<Fut, B, E> Future for FirstFrameFuture<Fut, B>
where
    Fut: Future<Output = Result<Response<B>, E>>,
    B: Body + Unpin,
{
    type Output = Result<Response<Peeked<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.answer.is_none() {
            *this.answer = Some(ready!(this.call.poll(cx))?);
        }
        let waited_for = this.answer.as_mut().map(Response::body_mut);
        let first = match waited_for {
            Some(body) if *this.waits && !body.is_end_stream() => {
                ready!(Pin::new(body).poll_frame(cx))
            }
            _ => None,
        };
        let answer = this.answer.take().expect("an answer is there once its head came");
        let (mut head, body) = answer.into_parts();
        match &first {
            Some(Ok(frame)) => {
                if let Some(trailers) = frame.trailers_ref() {
                    copy_status(trailers, &mut head.headers);
                }
            }
            Some(Err(_)) => drop(head.extensions.insert(Broken)),
            None => {}
        }
        Poll::Ready(Ok(Response::from_parts(head, Peeked { first, body })))
    }
}

/// A status of gRPC that comes before any message is as good as one in the head.
fn copy_status(trailers: &HeaderMap, head: &mut HeaderMap) {
    for (name, value) in trailers {
        if name.as_str().starts_with("grpc-") {
            head.insert(name, value.clone());
        }
    }
}

impl<B: Body + Unpin> Body for Peeked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.first.take() {
            Some(first) => Poll::Ready(Some(first)),
            None => Pin::new(&mut self.body).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.first.is_none() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        let left = self.body.size_hint();
        let first = self.first.as_ref().and_then(|it| it.as_ref().ok()?.data_ref());
        let first = first.map_or(0, |data| data.remaining() as u64);
        let mut hint = SizeHint::new();
        if let Some(upper) = left.upper() {
            hint.set_upper(upper.saturating_add(first));
        }
        hint.set_lower(left.lower().saturating_add(first));
        hint
    }
}

// Moved only while nothing is polled in place.
impl<B: Body + Unpin> Unpin for Peeked<B> {}

impl<B: Body> fmt::Debug for Peeked<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Peeked").finish_non_exhaustive()
    }
}
