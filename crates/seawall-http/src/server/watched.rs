//! A connection that a slow client can't hold for ever.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Instant, Sleep, sleep_until};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What goes on on a connection.
#[derive(Debug, Default)]
pub(super) struct Activity {
    /// Requests whose heads have come.
    started: AtomicUsize,
    /// Of them, those that are answered.
    ended: AtomicUsize,
    /// A part of a head has come.
    in_head: AtomicBool,
    /// The bytes are no longer HTTP's.
    is_upgraded: AtomicBool,
    starts: Notify,
}

/// A request on a connection, from its head to the end of its answer.
#[derive(Debug)]
pub(super) struct ActiveRequest(Arc<Activity>);

// Relaxed throughout: the task of the connection asks, and nothing else is published with the words.
impl Activity {
    pub(super) fn request(self: &Arc<Self>) -> ActiveRequest {
        self.in_head.store(false, Ordering::Relaxed);
        self.started.fetch_add(1, Ordering::Relaxed);
        self.starts.notify_one();
        ActiveRequest(Arc::clone(self))
    }

    pub(super) fn upgraded(&self) {
        self.is_upgraded.store(true, Ordering::Relaxed);
    }

    /// Whether a request is on its way: the connection is new, or a part of a head is there.
    pub(super) fn awaits_request(&self) -> bool {
        self.started() == 0 || self.in_head()
    }

    pub(super) fn in_head(&self) -> bool {
        self.in_head.load(Ordering::Relaxed)
    }

    /// Waits for the head of the next request. For one waiter.
    pub(super) async fn next_request(&self) {
        let before = self.started();
        // A notice from before is kept, so it is looked at again.
        while self.started() == before {
            self.starts.notified().await;
        }
    }

    fn started(&self) -> usize {
        self.started.load(Ordering::Relaxed)
    }

    fn expects_a_head(&self) -> bool {
        self.started() == self.ended.load(Ordering::Relaxed)
            && !self.is_upgraded.load(Ordering::Relaxed)
    }
}

impl Drop for ActiveRequest {
    fn drop(&mut self) {
        self.0.ended.fetch_add(1, Ordering::Relaxed);
    }
}

/// Ends a connection whose client takes too long for the head of a request, or reads nothing.
#[pin_project]
#[derive(Debug)]
pub(super) struct Watched<Io> {
    #[pin]
    io: Io,
    activity: Arc<Activity>,
    preface: Preface,
    /// Requests of which the heads are through.
    started: usize,
    head: Watch,
    write: Watch,
}

/// A time that begins and may end.
#[derive(Debug)]
struct Watch {
    within: Duration,
    since: Option<Instant>,
    sleep: Option<Pin<Box<Sleep>>>,
}

/// Whether a connection speaks HTTP/2 from the start.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Preface {
    /// This number of its bytes has come.
    Begun(usize),
    Complete,
    Other,
}

impl Preface {
    fn next(self, bytes: &[u8]) -> Self {
        let Self::Begun(seen) = self else { return self };
        let left = &PREFACE[seen..];
        let count = left.len().min(bytes.len());
        match (left[..count] == bytes[..count], count == left.len()) {
            (false, _) => Self::Other,
            (true, true) => Self::Complete,
            (true, false) => Self::Begun(seen + count),
        }
    }
}

impl Watch {
    const fn new(within: Duration) -> Self {
        Self { within, since: None, sleep: None }
    }

    fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    fn end(&mut self) {
        self.since = None;
        self.sleep = None;
    }

    /// Ready when the time that has begun is over.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let until = self.since.and_then(|since| since.checked_add(self.within));
        let Some(until) = until else { return Poll::Pending };
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(until)));
        sleep.as_mut().poll(cx).map(|()| io::ErrorKind::TimedOut.into())
    }
}

impl<Io> Watched<Io> {
    /// A new connection: its first head is expected from now on.
    pub(super) fn new(
        io: Io,
        activity: Arc<Activity>,
        head_within: Duration,
        stalled_after: Duration,
    ) -> Self {
        let mut head = Watch::new(head_within);
        head.begin();
        let (preface, write) = (Preface::Begun(0), Watch::new(stalled_after));
        Self { io, activity, preface, started: 0, head, write }
    }
}

impl<Io: AsyncRead> AsyncRead for Watched<Io> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.project();
        let before = buf.filled().len();
        let polled = this.io.poll_read(cx, buf);
        let read = &buf.filled()[before..];
        *this.preface = this.preface.next(read);
        let expects_a_head = *this.preface != Preface::Complete && this.activity.expects_a_head();
        let started = this.activity.started();
        if !expects_a_head || std::mem::replace(this.started, started) != started {
            this.head.end();
        }
        if expects_a_head && !read.is_empty() {
            this.head.begin();
        }
        if !read.is_empty() {
            this.activity.in_head.store(expects_a_head, Ordering::Relaxed);
        }
        match polled {
            Poll::Pending => this.head.poll(cx).map(Err),
            Poll::Ready(polled) => Poll::Ready(polled),
        }
    }
}

impl<Io: AsyncWrite> Watched<Io> {
    /// The outcome of a write, or that it stalls.
    fn written<T>(
        write: &mut Watch,
        polled: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            write.end();
            return polled;
        }
        write.begin();
        write.poll(cx).map(Err)
    }
}

impl<Io: AsyncWrite> AsyncWrite for Watched<Io> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let polled = this.io.poll_write(cx, buf);
        Self::written(this.write, polled, cx)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let polled = this.io.poll_flush(cx);
        Self::written(this.write, polled, cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        let polled = this.io.poll_shutdown(cx);
        Self::written(this.write, polled, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.project();
        let polled = this.io.poll_write_vectored(cx, bufs);
        Self::written(this.write, polled, cx)
    }
}
