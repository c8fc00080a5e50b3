//! The body of an answer: the service's, or a text of ours.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use pin_project::{pin_project, pinned_drop};

use super::Contain;

/// The body of an answer of a [`RespondService`](super::RespondService): the service's, whose panics
/// are caught, or the text of a refusal.
#[pin_project(PinnedDrop)]
pub struct AnswerBody<B> {
    #[pin]
    kind: Kind<B>,
    contain: Contain,
}

#[pin_project(project = KindProjection)]
enum Kind<B> {
    Service(#[pin] B),
    Text(String),
    /// The text was read, or the body panicked.
    Over,
}

/// The body of an answer failed.
#[derive(Debug)]
#[non_exhaustive]
pub enum AnswerBodyError<E> {
    /// The body's own error.
    Body(E),
    /// The body panicked, and the panic was caught: the stream is reset.
    Panicked,
}

impl<B> AnswerBody<B> {
    pub(super) const fn new(body: B, contain: Contain) -> Self {
        Self { kind: Kind::Service(body), contain }
    }

    pub(crate) const fn text(text: String) -> Self {
        Self { kind: Kind::Text(text), contain: Contain::silent() }
    }
}

impl<B: Body<Data: From<String>>> Body for AnswerBody<B> {
    type Data = B::Data;
    type Error = AnswerBodyError<B::Error>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, Self::Error>>> {
        let mut this = self.project();
        match this.kind.as_mut().project() {
            KindProjection::Service(body) => {
                if let Ok(polled) = this.contain.catch(|| body.poll_frame(cx)) {
                    let frame = ready!(polled);
                    return Poll::Ready(frame.map(|it| it.map_err(AnswerBodyError::Body)));
                }
                discard(this.kind, this.contain);
                Poll::Ready(Some(Err(AnswerBodyError::Panicked)))
            }
            KindProjection::Text(text) => {
                let text = std::mem::take(text);
                this.kind.set(Kind::Over);
                let frame = (!text.is_empty()).then(|| Ok(Frame::data(text.into())));
                Poll::Ready(frame)
            }
            KindProjection::Over => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            Kind::Service(body) => body.is_end_stream(),
            Kind::Text(text) => text.is_empty(),
            Kind::Over => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            Kind::Service(body) => body.size_hint(),
            Kind::Text(text) => SizeHint::with_exact(text.len() as u64),
            Kind::Over => SizeHint::with_exact(0),
        }
    }
}

/// Drops the service's body, which may panic.
fn discard<B>(mut kind: Pin<&mut Kind<B>>, contain: &Contain) {
    if matches!(*kind, Kind::Service(_)) {
        drop(contain.catch(|| kind.set(Kind::Over)));
    }
}

#[pinned_drop]
impl<B> PinnedDrop for AnswerBody<B> {
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        discard(this.kind, this.contain);
    }
}

impl<B> fmt::Debug for AnswerBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            Kind::Service(_) => "AnswerBody::Service",
            Kind::Text(_) => "AnswerBody::Text",
            Kind::Over => "AnswerBody::Over",
        })
    }
}

impl<E: fmt::Display> fmt::Display for AnswerBodyError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Body(error) => error.fmt(f),
            Self::Panicked => f.write_str("the body panicked"),
        }
    }
}

impl<E: Error> Error for AnswerBodyError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Body(error) => error.source(),
            Self::Panicked => None,
        }
    }
}
