use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use seawall::policy::WakerSlot;

use super::memory::Holding;
use super::source::{Kept, Next, Source};
use super::{ReplayError, ReplayMemory};
use crate::BoxError;

/// A body that several attempts can read, each from its beginning. See [the chapter](super).
///
/// It is `Unpin`, and each reader is a value of its own, made by [`again`](Self::again). It is not
/// `Clone`, as a body that outgrew its bound can't be read again.
pub struct ReplayBody<B> {
    // Absent for a body without frames.
    reader: Option<Reader<B>>,
}

struct Reader<B> {
    source: Arc<Source<B>>,
    /// How many frames this reader was given.
    position: usize,
    /// The bytes in them.
    bytes: u64,
    slot: WakerSlot,
    is_over: bool,
}

impl<B: Body> ReplayBody<B> {
    /// `body`, of which up to `per_request` bytes are kept in `memory`.
    pub fn new(body: B, per_request: usize, memory: &ReplayMemory) -> Self {
        if body.is_end_stream() {
            return Self { reader: None };
        }
        let holding = Holding::new(memory.clone(), per_request);
        Self { reader: Some(Reader::new(Arc::new(Source::new(body, holding)))) }
    }

    /// The same body, to be read from its beginning; `None` where it is no longer
    /// [whole](Self::is_whole).
    pub fn again(&self) -> Option<Self> {
        match &self.reader {
            None => Some(Self { reader: None }),
            Some(_) if !self.is_whole() => None,
            Some(reader) => Some(Self { reader: Some(Reader::new(Arc::clone(&reader.source))) }),
        }
    }

    /// Whether all that was read of the body is kept, so that it can be read again.
    pub fn is_whole(&self) -> bool {
        self.reader.as_ref().is_none_or(|reader| reader.source.is_whole())
    }
}

impl<B> Reader<B> {
    fn new(source: Arc<Source<B>>) -> Self {
        Self { source, position: 0, bytes: 0, slot: WakerSlot::default(), is_over: false }
    }
}

impl<B> Body for ReplayBody<B>
where
    B: Body<Error: Into<BoxError>>,
{
    type Data = Bytes;
    type Error = ReplayError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReplayError>>> {
        let Some(reader) = &mut self.reader else { return Poll::Ready(None) };
        if reader.is_over {
            return Poll::Ready(None);
        }
        // Only a reader makes readers, so the last one stays the last.
        let is_alone = Arc::strong_count(&reader.source) == 1;
        let next = reader.source.poll_frame(reader.position, is_alone, &mut reader.slot, cx);
        Poll::Ready(match ready!(next) {
            Next::Frame(frame) => {
                reader.position += 1;
                Some(Ok(match frame {
                    Kept::Data(data) => {
                        reader.bytes = reader.bytes.saturating_add(data.len() as u64);
                        Frame::data(data)
                    }
                    Kept::Trailers(trailers) => Frame::trailers(Arc::unwrap_or_clone(trailers)),
                }))
            }
            Next::End => {
                reader.is_over = true;
                None
            }
            Next::Failed(error) => {
                reader.is_over = true;
                Some(Err(error))
            }
        })
    }

    fn is_end_stream(&self) -> bool {
        self.reader
            .as_ref()
            .is_none_or(|reader| reader.is_over || reader.source.is_over(reader.position))
    }

    fn size_hint(&self) -> SizeHint {
        let Some(reader) = &self.reader else { return SizeHint::with_exact(0) };
        let whole = reader.source.hint();
        let mut left = SizeHint::new();
        if let Some(upper) = whole.upper() {
            left.set_upper(upper.saturating_sub(reader.bytes));
        }
        left.set_lower(whole.lower().saturating_sub(reader.bytes));
        left
    }
}

impl<B> Drop for Reader<B> {
    fn drop(&mut self) {
        self.source.leave(&self.slot);
    }
}

impl<B> fmt::Debug for ReplayBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let position = self.reader.as_ref().map_or(0, |reader| reader.position);
        f.debug_struct("ReplayBody").field("position", &position).finish_non_exhaustive()
    }
}
