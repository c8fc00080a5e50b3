//! Where digests go.

use std::error::Error;
use std::fmt;
use std::future::ready;
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Poll};

use parking_lot::Mutex;
use seawall_core::contain;

use super::Digest;
use crate::delivering;
use crate::text::visible_json;

/// Why a sink did not take a digest.
pub type SinkError = Box<dyn Error + Send + Sync>;

/// What a sink's answer comes as.
pub type SinkFuture<'a> = Pin<Box<dyn Future<Output = Result<(), SinkError>> + Send + 'a>>;

/// Takes digests where people look.
///
/// `Ok` means that the digest arrived: it is not sent again. What a sink captures while it sends
/// is dropped and counted, so that one that fails does not feed itself.
pub trait Sink: Send + Sync {
    /// Sends `digest`. May be called again with a digest of the same [id](Digest::id), where it
    /// could not say whether the first arrived.
    fn send<'a>(&'a self, digest: &'a Digest) -> SinkFuture<'a>;
}

/// Sends, and captures nothing while it does. A panic is a failure of the sink.
pub(super) async fn deliver<S: Sink + ?Sized>(sink: &S, digest: &Digest) -> Result<(), SinkError> {
    Delivery(Some(contained(|| sink.send(digest))?)).await
}

fn contained<R>(work: impl FnOnce() -> R) -> Result<R, SinkError> {
    delivering(|| contain(work)).map_err(|report| format!("the sink {report}").into())
}

/// The future of a sink; `None` once it is over.
struct Delivery<'a>(Option<SinkFuture<'a>>);

impl Future for Delivery<'_> {
    type Output = Result<(), SinkError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Some(future) = &mut self.0 else { return Poll::Pending };
        let done = match contained(|| future.as_mut().poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(done)) => done,
            Err(panicked) => Err(panicked),
        };
        self.let_go();
        Poll::Ready(done)
    }
}

impl Delivery<'_> {
    /// Drops the sink's future, which may panic, too.
    fn let_go(&mut self) {
        let future = self.0.take();
        // Whether the digest arrived is known by now, or it never will be.
        let _ = contained(|| drop(future));
    }
}

impl Drop for Delivery<'_> {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// Hands digests to a function.
pub struct Callback<F>(F);

impl<F: Fn(&Digest) -> Result<(), SinkError> + Send + Sync> Callback<F> {
    /// Hands digests to `call`.
    pub const fn new(call: F) -> Self {
        Self(call)
    }
}

impl<F: Fn(&Digest) -> Result<(), SinkError> + Send + Sync> Sink for Callback<F> {
    fn send<'a>(&'a self, digest: &'a Digest) -> SinkFuture<'a> {
        Box::pin(ready((self.0)(digest)))
    }
}

impl<F> fmt::Debug for Callback<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

/// Writes digests as JSON, one on a line, and flushes after each.
pub struct JsonLines<W>(Mutex<W>);

impl<W> fmt::Debug for JsonLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonLines")
    }
}

impl<W: Write + Send> JsonLines<W> {
    /// Writes to `writer`, on the thread that sends: for files and standard output.
    pub const fn new(writer: W) -> Self {
        Self(Mutex::new(writer))
    }

    /// Gives the writer back.
    pub fn into_inner(self) -> W {
        self.0.into_inner()
    }

    fn write(&self, digest: &Digest) -> Result<(), SinkError> {
        let mut line = visible_json(serde_json::to_string(digest)?);
        line.push('\n');
        let mut writer = self.0.lock();
        writer.write_all(line.as_bytes())?;
        Ok(writer.flush()?)
    }
}

impl<W: Write + Send> Sink for JsonLines<W> {
    fn send<'a>(&'a self, digest: &'a Digest) -> SinkFuture<'a> {
        Box::pin(ready(self.write(digest)))
    }
}

/// Writes digests as text, for a log that people read.
pub struct TextLines<W> {
    writer: Mutex<W>,
    bytes: usize,
}

impl<W> fmt::Debug for TextLines<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextLines").field("bytes", &self.bytes).finish_non_exhaustive()
    }
}

impl<W: Write + Send> TextLines<W> {
    /// How long a digest is at most, in bytes: 16 KiB.
    pub const BYTES: usize = 16 << 10;

    /// Writes to `writer`, on the thread that sends: for files and standard error.
    pub const fn new(writer: W) -> Self {
        Self { writer: Mutex::new(writer), bytes: Self::BYTES }
    }

    /// Gives the writer back.
    pub fn into_inner(self) -> W {
        self.writer.into_inner()
    }

    fn write(&self, digest: &Digest) -> Result<(), SinkError> {
        let text = digest.text(self.bytes);
        let mut writer = self.writer.lock();
        writer.write_all(text.as_bytes())?;
        Ok(writer.flush()?)
    }
}

impl<W: Write + Send> Sink for TextLines<W> {
    fn send<'a>(&'a self, digest: &'a Digest) -> SinkFuture<'a> {
        Box::pin(ready(self.write(digest)))
    }
}
