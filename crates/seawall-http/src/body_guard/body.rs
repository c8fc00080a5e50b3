//! The body that holds a guard.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http_body::{Body, Frame, SizeHint};
use pin_project::{pin_project, pinned_drop};
use seawall::policy::catch;

use super::{BodyEnd, BodyGuard};
use crate::class::grpc_status;

/// A body that holds a guard until it has ended.
///
/// A panic of the body ends the guard and goes on. On a server [`RespondLayer`](crate::RespondLayer)
/// catches it.
#[pin_project(PinnedDrop)]
pub struct GuardedBody<B, G: BodyGuard> {
    #[pin]
    body: B,
    // Absent once the body has ended.
    guard: Option<G>,
}

impl<B: Body, G: BodyGuard> GuardedBody<B, G> {
    /// `body`, which holds `guard` until it has ended. A body that is over already ends at once.
    pub fn new(body: B, guard: G) -> Self {
        let mut guarded = Self { body, guard: Some(guard) };
        if guarded.body.is_end_stream() {
            end(&mut guarded.guard, BodyEnd::Complete { grpc_status: None });
        }
        guarded
    }
}

fn end<G: BodyGuard>(guard: &mut Option<G>, how: BodyEnd) {
    if let Some(guard) = guard.take() {
        // A guard that panics must not take a stream with it that has ended well.
        drop(catch(|| guard.ended(how)));
    }
}

impl<B: Body, G: BodyGuard> Body for GuardedBody<B, G> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let polled = catch(|| {
            let frame = this.body.as_mut().poll_frame(cx);
            frame.map(|frame| (frame, this.body.is_end_stream()))
        });
        let polled = polled.unwrap_or_else(|caught| {
            end(this.guard, BodyEnd::Panicked);
            caught.resume()
        });
        if let Some(guard) = this.guard.as_mut() {
            guard.waits(polled.is_pending());
        }
        let (frame, is_last) = ready!(polled);
        match &frame {
            Some(Ok(frame)) if is_last || frame.is_trailers() => {
                let grpc_status = frame.trailers_ref().and_then(grpc_status);
                end(this.guard, BodyEnd::Complete { grpc_status });
            }
            Some(Ok(_)) => {}
            Some(Err(_)) => end(this.guard, BodyEnd::Failed),
            None => end(this.guard, BodyEnd::Complete { grpc_status: None }),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[pinned_drop]
impl<B, G: BodyGuard> PinnedDrop for GuardedBody<B, G> {
    fn drop(self: Pin<&mut Self>) {
        end(self.project().guard, BodyEnd::Dropped);
    }
}

impl<B, G: BodyGuard> fmt::Debug for GuardedBody<B, G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardedBody")
            .field("has_ended", &self.guard.is_none())
            .finish_non_exhaustive()
    }
}
