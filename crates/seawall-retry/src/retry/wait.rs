//! Between two attempts.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::StopReason;
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFuture};

use super::course::Last;

/// The wait for the next attempt, and what the last attempt came to.
#[pin_project]
pub(super) struct Wait<'p, T, E> {
    #[pin]
    pause: Pause,
    #[pin]
    shutdown: Option<WaitForCancellationFuture<'p>>,
    last: Option<Last<T, E>>,
}

#[pin_project(project = PauseProjection)]
enum Pause {
    Sleep(#[pin] Sleep),
    /// Only other tasks' turn. Never given to the timer, whose steps are a millisecond long.
    Turn {
        taken: bool,
    },
}

impl<'p, T, E> Wait<'p, T, E> {
    pub(super) fn new(
        delay: Duration,
        shutdown: Option<&'p CancellationToken>,
        last: Last<T, E>,
    ) -> Self {
        let pause = match delay {
            Duration::ZERO => Pause::Turn { taken: false },
            delay => Pause::Sleep(sleep(delay)),
        };
        let shutdown = shutdown.map(CancellationToken::cancelled);
        Self { pause, shutdown, last: Some(last) }
    }

    /// What the last attempt came to, and why there will be no other, if there won't.
    ///
    /// # Panics
    ///
    /// When polled after it ended.
    pub(super) fn poll(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<(Last<T, E>, Option<StopReason>)> {
        let this = self.project();
        let shutdown = this.shutdown.as_pin_mut();
        let shutting_down = shutdown.is_some_and(|shutdown| shutdown.poll(cx).is_ready());
        if !shutting_down && this.pause.poll(cx).is_pending() {
            return Poll::Pending;
        }
        let last = this.last.take().expect("a wait was polled after it ended");
        Poll::Ready((last, shutting_down.then_some(StopReason::Shutdown)))
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
