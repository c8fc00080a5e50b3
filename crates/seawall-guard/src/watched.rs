//! The future of a task, whose end somebody wants to know whatever it is.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};
use seawall_core::{PanicReport, catch, contain};

/// How a task ended.
#[derive(Clone, Copy)]
pub(crate) enum End {
    Finished,
    Panicked,
    /// Aborted, or dropped with its runtime.
    Cancelled,
}

/// Watches a task. Dropped when the task's future is gone, however it ended.
pub(crate) trait Watch {
    /// The future panicked: in a poll, or when it was dropped.
    fn panicked(&self, report: &PanicReport);

    /// The future is over. Not called if the task is cancelled.
    fn over(&mut self, end: End);
}

/// A future whose panics are told to who watches and go no further.
#[pin_project(PinnedDrop)]
pub(crate) struct Watched<Fut, W: Watch> {
    // Gone before `watch` is.
    #[pin]
    future: Option<Fut>,
    watch: W,
}

impl<Fut, W: Watch> Watched<Fut, W> {
    pub(crate) fn new(future: Fut, watch: W) -> Self {
        Self { future: Some(future), watch }
    }

    fn drop_future(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let Err(report) = contain(|| this.future.set(None)) {
            this.watch.panicked(&report);
        }
    }
}

impl<Fut: Future, W: Watch> Future for Watched<Fut, W> {
    type Output = Result<Fut::Output, PanicReport>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let Some(future) = this.future.as_pin_mut() else {
            panic!("a task was polled after it was over");
        };
        let (end, outcome) = match catch(|| future.poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => (End::Finished, Ok(output)),
            Err(caught) => {
                let report = caught.into_report();
                this.watch.panicked(&report);
                (End::Panicked, Err(report))
            }
        };
        self.as_mut().drop_future();
        self.project().watch.over(end);
        Poll::Ready(outcome)
    }
}

#[pinned_drop]
impl<Fut, W: Watch> PinnedDrop for Watched<Fut, W> {
    fn drop(self: Pin<&mut Self>) {
        self.drop_future();
    }
}
