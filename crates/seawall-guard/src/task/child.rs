//! A child of a supervisor, and one run of it.

use std::fmt::Display;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::panic::message_of;
use seawall_core::{EventKind, PanicReport, Reporter, contain};
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::machine::{ChildEnd, Restart};
use crate::monitored::{Monitor, Monitored};

type Running = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Make = Arc<dyn Fn() -> Running + Send + Sync>;

pub(super) struct Child {
    pub(super) reporter: Reporter,
    pub(super) restart: Restart,
    make: Make,
    /// Restarts in a row.
    pub(super) restarts: u32,
    pub(super) starts: u32,
    pub(super) delay: Option<Duration>,
    pub(super) task: Option<AbortHandle>,
}

impl Child {
    pub(super) fn new<F, Fut, E>(reporter: Reporter, restart: Restart, make: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let make: Make = Arc::new(move || Box::pin(ErrorText(make())));
        Self { reporter, restart, make, restarts: 0, starts: 0, delay: None, task: None }
    }

    /// Starts the child after `delay`, unless the supervisor is `stopping` by then.
    pub(super) fn start(
        &mut self,
        tasks: &mut JoinSet<(ChildEnd, Duration)>,
        delay: Duration,
        stopping: &CancellationToken,
    ) {
        self.starts = self.starts.saturating_add(1);
        let make = Arc::clone(&self.make);
        let monitor = ChildMonitor(self.reporter.clone());
        let stopping = stopping.clone();
        self.task = Some(tasks.spawn(async move {
            if !delay.is_zero() && stopping.run_until_cancelled(sleep(delay)).await.is_none() {
                return (ChildEnd::Cancelled, Duration::ZERO);
            }
            let began = Instant::now();
            (run(make, monitor).await, began.elapsed())
        }));
    }
}

/// A child's future, whose error is its message. Not an async block: when a panic leaves one, it drops
/// what it holds while unwinding, where a second panic aborts.
#[pin_project]
struct ErrorText<Fut>(#[pin] Fut);

impl<Fut: Future<Output = Result<(), E>>, E: Display> Future for ErrorText<Fut> {
    type Output = Result<(), String>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let message = |error| message_of(&error).into_string();
        self.project().0.poll(cx).map_err(message)
    }
}

/// Runs a child once. All its panics are reported, also one while it is stopped.
async fn run(make: Make, monitor: ChildMonitor) -> ChildEnd {
    let future = match contain(|| make()) {
        Ok(future) => future,
        Err(report) => {
            monitor.panicked(&report);
            return ChildEnd::Panicked(report);
        }
    };
    match Monitored::new(future, monitor).await {
        Ok(Ok(())) => ChildEnd::Normal,
        Ok(Err(error)) => ChildEnd::Failed(error),
        Err(report) => ChildEnd::Panicked(report),
    }
}

/// Reports the panics of a child. Its end is known to the supervisor, which joins the task.
struct ChildMonitor(Reporter);

impl Monitor for ChildMonitor {
    fn panicked(&self, report: &PanicReport) {
        self.0.report(|| EventKind::Panicked(report.clone()));
    }
}
