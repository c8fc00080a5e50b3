//! What ends a wait: its longest time, the call's deadline, or a shutdown.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use seawall_core::{Reason, Timer};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

// Boxed: only calls that wait get here, and the futures of calls that don't stay small.
#[derive(Debug)]
pub(crate) struct WaitLimit {
    end: Option<Instant>,
    at_end: Reason,
    timer: Option<Pin<Box<Timer>>>,
    shutdown: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl WaitLimit {
    pub(crate) fn new(
        since: Instant,
        longest: Duration,
        deadline: Option<Instant>,
        shutdown: Option<&CancellationToken>,
    ) -> Self {
        // A wait that is too long for the clock has no end.
        let longest_end = since.checked_add(longest);
        let before = |deadline: &Instant| longest_end.is_none_or(|end| *deadline < end);
        let (end, at_end) = match deadline.filter(before) {
            None => (longest_end, Reason::WaitedTooLong),
            deadline => (deadline, Reason::DeadlineTooNear),
        };
        let shutdown = shutdown.map(|token| Box::pin(token.clone().cancelled_owned()));
        Self { end, at_end, timer: None, shutdown }
    }

    /// Ready when the wait is over, with the reason; or at `due`, with `None`.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with a timer, if there is a moment to wait for.
    pub(crate) fn poll(
        &mut self,
        due: Option<Instant>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Reason>> {
        if let Some(shutdown) = &mut self.shutdown
            && shutdown.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Some(Reason::ShuttingDown));
        }
        let Some(at) = due.into_iter().chain(self.end).min() else { return Poll::Pending };
        let timer = self.timer.get_or_insert_with(|| Box::pin(Timer::at(at)));
        if timer.deadline() != at {
            timer.as_mut().reset(at);
        }
        ready!(timer.as_mut().poll(cx));
        Poll::Ready((due != Some(at)).then_some(self.at_end))
    }
}
