//! Between two attempts.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{Error, StopReason, Timer};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

/// The wait for the next attempt. Holds the failure of the last.
#[pin_project]
pub(super) struct Wait<'p, E> {
    #[pin]
    pause: Pause,
    #[pin]
    shutdown: Option<WaitForCancellationFuture<'p>>,
    delay: Duration,
    failed: Option<Error<E>>,
}

/// A wait that is over.
pub(super) struct Waited<E> {
    pub(super) failed: Error<E>,
    pub(super) delay: Duration,
    /// Why no attempt follows, if none does.
    pub(super) stopped: Option<StopReason>,
}

#[pin_project(project = PauseProjection)]
enum Pause {
    Sleep(#[pin] Timer),
    /// Only gives other tasks a turn. Never goes through the timer, whose steps are a millisecond.
    Turn {
        taken: bool,
    },
}

impl<'p, E> Wait<'p, E> {
    pub(super) fn new(
        delay: Duration,
        shutdown: Option<&'p CancellationToken>,
        failed: Error<E>,
    ) -> Pin<Box<Self>> {
        let pause = match delay {
            Duration::ZERO => Pause::Turn { taken: false },
            delay => Pause::Sleep(Timer::after(delay)),
        };
        let shutdown = shutdown.map(CancellationToken::cancelled);
        Box::pin(Self { pause, shutdown, delay, failed: Some(failed) })
    }

    /// # Panics
    ///
    /// When polled after it ended.
    pub(super) fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Waited<E>> {
        let this = self.project();
        let shutdown = this.shutdown.as_pin_mut();
        let shutting_down = shutdown.is_some_and(|shutdown| shutdown.poll(cx).is_ready());
        if !shutting_down && this.pause.poll(cx).is_pending() {
            return Poll::Pending;
        }
        let failed = this.failed.take().expect("a wait was polled after it ended");
        let stopped = shutting_down.then_some(StopReason::Shutdown);
        Poll::Ready(Waited { failed, delay: *this.delay, stopped })
    }
}

impl Pause {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            PauseProjection::Sleep(sleep) => sleep.poll(cx),
            PauseProjection::Turn { taken: true } => Poll::Ready(()),
            PauseProjection::Turn { taken } => {
                *taken = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
