//! The future of a task that is monitored: every end is reported, whatever it is.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};
use seawall_core::{PanicReport, catch, contain};

/// How a task ended.
#[derive(Clone, Copy)]
pub(crate) enum TaskEnd {
    Finished,
    Panicked,
    /// Aborted, or dropped with its runtime.
    Cancelled,
}

/// Receives what becomes of a task. Dropped after the task's future, however that ended.
pub(crate) trait Monitor {
    /// The future panicked, in a poll or when it was dropped.
    fn panicked(&self, report: &PanicReport);

    /// The future is over. Not called if the task is cancelled.
    fn ended(&mut self, _: TaskEnd) {}
}

/// A future whose panics go to its monitor and no further.
#[pin_project(PinnedDrop)]
pub(crate) struct Monitored<Fut, M: Monitor> {
    // Dropped before `monitor`.
    #[pin]
    future: Option<Fut>,
    monitor: M,
}

impl<Fut, M: Monitor> Monitored<Fut, M> {
    pub(crate) fn new(future: Fut, monitor: M) -> Self {
        Self { future: Some(future), monitor }
    }

    fn drop_future(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let Err(report) = contain(|| this.future.set(None)) {
            this.monitor.panicked(&report);
        }
    }
}

impl<Fut: Future, M: Monitor> Future for Monitored<Fut, M> {
    type Output = Result<Fut::Output, PanicReport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let future = this.future.as_pin_mut().expect("a task was polled after it was over");
        let (end, outcome) = match catch(|| future.poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => (TaskEnd::Finished, Ok(output)),
            Err(caught) => {
                let report = caught.into_report();
                this.monitor.panicked(&report);
                (TaskEnd::Panicked, Err(report))
            }
        };
        self.as_mut().drop_future();
        self.project().monitor.ended(end);
        Poll::Ready(outcome)
    }
}

#[pinned_drop]
impl<Fut, M: Monitor> PinnedDrop for Monitored<Fut, M> {
    fn drop(self: Pin<&mut Self>) {
        self.drop_future();
    }
}
