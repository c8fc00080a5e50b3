//! Streams of HTTP/2 whose client leaves the window shut.
//!
//! A connection that moves may have a stream that does not: its client gives it no window. The server
//! has a frame of the answer in hand then and asks for no other, so the body never ends and what it holds
//! is never free. The body sees that nobody asks, and the task of the stream can end it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body::{Body, Frame, SizeHint};
use hyper::rt::Executor;
use pin_project::pin_project;
use tokio::task::futures::TaskLocalFuture;
use tokio::time::{Instant, Sleep, sleep_until};

tokio::task_local! {
    static PACE: Arc<Pace>;
}

/// How the answer of a stream moves: the number of the frame in the server's hand, 0 where it has none.
// Relaxed: the task of the stream alone writes and reads it.
#[derive(Debug, Default)]
struct Pace(AtomicUsize);

/// Spawns the tasks of streams.
#[derive(Clone, Copy, Debug)]
pub(super) struct StreamExecutor {
    pub(super) stalled_after: Duration,
}

impl<Fut> Executor<Fut> for StreamExecutor
where
    Fut: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: Fut) {
        let pace = Arc::new(Pace::default());
        tokio::spawn(Stream {
            future: Some(PACE.scope(Arc::clone(&pace), future)),
            pace,
            frame: 0,
            stalled_after: self.stalled_after,
            sleep: None,
        });
    }
}

/// The task of a stream, which ends where the stream stalls. What it drops resets the stream.
#[pin_project]
struct Stream<Fut> {
    #[pin]
    future: Option<TaskLocalFuture<Arc<Pace>, Fut>>,
    pace: Arc<Pace>,
    /// The frame that the server had in its hand when the time began.
    frame: usize,
    stalled_after: Duration,
    sleep: Option<Pin<Box<Sleep>>>,
}

impl<Fut: Future<Output = ()>> Future for Stream<Fut> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Ready(()) };
        if future.poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let frame = this.pace.0.load(Ordering::Relaxed);
        if std::mem::replace(this.frame, frame) != frame {
            *this.sleep = None;
        }
        let until = Instant::now().checked_add(*this.stalled_after);
        let (true, Some(until)) = (frame > 0, until) else { return Poll::Pending };
        let sleep = this.sleep.get_or_insert_with(|| Box::pin(sleep_until(until)));
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.future.set(None);
        Poll::Ready(())
    }
}

/// The body of an answer, which notes what the server takes of it.
#[pin_project]
#[derive(Debug)]
pub(super) struct PacedBody<B> {
    #[pin]
    body: B,
    frames: usize,
}

impl<B> PacedBody<B> {
    pub(super) const fn new(body: B) -> Self {
        Self { body, frames: 0 }
    }
}

impl<B: Body> Body for PacedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = this.body.poll_frame(cx);
        let in_hand = match &polled {
            Poll::Ready(Some(Ok(_))) => {
                *this.frames += 1;
                *this.frames
            }
            _ => 0,
        };
        // Over HTTP/1.1 there is no task of a stream: the connection is watched.
        let _ = PACE.try_with(|pace| pace.0.store(in_hand, Ordering::Relaxed));
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
