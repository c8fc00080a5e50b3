//! The task of work whose caller has left.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use seawall_core::{EventKind, PanicReport, contain};
use tokio::runtime::Handle;

use super::Detach;
use super::future::Boxed;
use crate::monitored::{Monitor, Monitored, TaskEnd};
use crate::permits::{Permit, Permits};

/// Lets `work` go on in a task, or drops it where there is no permit or no runtime.
pub(super) fn detach<Fut, T, E>(detach: &Detach, work: Boxed<Fut>)
where
    Fut: Future<Output = Result<T, E>> + Send + 'static,
{
    if let Ok(runtime) = Handle::try_current()
        && let Some(permit) = Permits::try_acquire(Arc::clone(&detach.permits))
    {
        let monitor = Detached { detach: detach.clone(), end: TaskEnd::Cancelled, _permit: permit };
        runtime.spawn(Monitored::new(DiscardOutput(work), monitor));
        return;
    }
    detach.ended.dropped.fetch_add(1, Ordering::Relaxed);
    if let Err(report) = contain(|| drop(work)) {
        detach.timeout.reporter.report(|| EventKind::Panicked(report));
    }
}

/// Discards the result of work where a panic of its drop is seen. Not an async block: when a panic
/// leaves one, it drops what it holds while unwinding, where a second panic aborts.
struct DiscardOutput<Fut>(Boxed<Fut>);

impl<Fut, T, E> Future for DiscardOutput<Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.0.as_mut().poll(cx).map(drop)
    }
}

/// Counts how detached work ended when it is dropped, so exactly once.
struct Detached {
    detach: Detach,
    end: TaskEnd,
    // Given back after the end is counted.
    _permit: Permit<Arc<Permits>>,
}

impl Monitor for Detached {
    fn panicked(&self, report: &PanicReport) {
        self.detach.timeout.reporter.report(|| EventKind::Panicked(report.clone()));
    }

    fn ended(&mut self, end: TaskEnd) {
        self.end = end;
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        let ended = &*self.detach.ended;
        let count = match self.end {
            TaskEnd::Finished => &ended.discarded,
            TaskEnd::Panicked => &ended.panicked,
            TaskEnd::Cancelled => &ended.cancelled,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }
}
