//! Long-running tasks that are restarted.

use std::fmt::{self, Display};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::panic::message_of;
use seawall_core::{
    Backoff, Class, EventKind, Name, PanicReport, PolicyKind, Random, Reporter, StopReason, contain,
};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep};

use super::SupervisorBuilder;
use super::machine::{ChildEnd, Intensity, Restart};
use crate::monitored::{Monitor, Monitored};

type Running = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Make = Arc<dyn Fn() -> Running + Send + Sync>;

/// Keeps long-running tasks running. The [chapter](super) says what it promises.
#[must_use = "a supervisor does nothing until it runs"]
pub struct Supervisor {
    pub(super) reporter: Reporter,
    pub(super) intensity: Intensity,
    pub(super) within: Duration,
    pub(super) backoff: Backoff,
    pub(super) random: Random,
    pub(super) children: Vec<Child>,
}

pub(super) struct Child {
    reporter: Reporter,
    restart: Restart,
    make: Make,
    /// Restarts in a row.
    restarts: u32,
    starts: u32,
    delay: Option<Duration>,
    task: Option<AbortHandle>,
}

/// A supervisor gave up, because a child would have been restarted once too often.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupervisorError {
    /// The supervisor.
    pub supervisor: Name,
    /// The child, as `supervisor/child`.
    pub child: Name,
    /// How often that child was started.
    pub starts: u32,
    pub(super) last: ChildEnd,
}

impl SupervisorError {
    /// The class of the child's last end: [`Class::Success`] where it returned `Ok`.
    pub const fn class(&self) -> Class {
        self.last.class()
    }

    /// The message of the child's last error, cut to
    /// [`MAX_MESSAGE`](seawall_core::panic::MAX_MESSAGE) bytes, if it ended with one.
    pub fn failed(&self) -> Option<&str> {
        match &self.last {
            ChildEnd::Failed(message) => Some(message),
            _ => None,
        }
    }

    /// The child's last panic, if it ended by one.
    pub const fn panicked(&self) -> Option<&PanicReport> {
        match &self.last {
            ChildEnd::Panicked(report) => Some(report),
            _ => None,
        }
    }
}

impl Display for SupervisorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { supervisor, child, starts, last } = self;
        write!(
            f,
            "supervisor '{supervisor}': too many restarts; '{child}' was started {starts} times and "
        )?;
        match last {
            ChildEnd::Normal => f.write_str("ended normally"),
            ChildEnd::Failed(error) => write!(f, "failed: {error}"),
            ChildEnd::Panicked(report) => report.fmt(f),
            ChildEnd::Cancelled => f.write_str("was cancelled"),
        }
    }
}

impl std::error::Error for SupervisorError {}

impl Supervisor {
    /// Configures a supervisor.
    pub fn builder() -> SupervisorBuilder {
        SupervisorBuilder::default()
    }

    /// Adds a child. `make` makes its future, at the first start and at each restart.
    pub fn child<F, Fut, E>(mut self, name: &str, restart: Restart, make: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let make: Make = Arc::new(move || Box::pin(ErrorText(make())));
        let name = Name::from(format!("{}/{name}", self.reporter.name()));
        let listeners = self.reporter.listeners().clone();
        self.children.push(Child {
            reporter: Reporter::new(name, PolicyKind::Supervisor, listeners),
            restart,
            make,
            restarts: 0,
            starts: 0,
            delay: None,
            task: None,
        });
        self
    }

    /// Runs the children, each in a task of its own, until all have ended for good, or one would be
    /// restarted once too often.
    ///
    /// # Cancel safety
    ///
    /// Dropping it aborts all children at their next await, in no order.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime that has its timer enabled.
    pub async fn run(self) -> Result<(), SupervisorError> {
        self.run_until(pending()).await
    }

    /// Like [`run`](Self::run), but stops the children in the opposite order of their start when
    /// `stop` is ready.
    pub async fn run_until(
        mut self,
        stop: impl Future<Output = ()>,
    ) -> Result<(), SupervisorError> {
        let mut tasks = JoinSet::new();
        for child in &mut self.children {
            child.start(&mut tasks, Duration::ZERO);
        }
        let mut stop = std::pin::pin!(stop);
        loop {
            let joined = tokio::select! {
                // Stopping goes before a child that ended.
                biased;
                () = &mut stop => None,
                joined = tasks.join_next_with_id() => joined,
            };
            let Some(joined) = joined else {
                stop_all(&mut self.children, &mut tasks).await;
                return Ok(());
            };
            if let Err(error) = self.ended(joined, &mut tasks) {
                stop_all(&mut self.children, &mut tasks).await;
                return Err(error);
            }
        }
    }

    fn ended(
        &mut self,
        joined: Result<(Id, (ChildEnd, Duration)), JoinError>,
        tasks: &mut JoinSet<(ChildEnd, Duration)>,
    ) -> Result<(), SupervisorError> {
        let (id, ended, ran) = match joined {
            Ok((id, (ended, ran))) => (id, ended, ran),
            Err(error) => (error.id(), ChildEnd::Cancelled, Duration::ZERO),
        };
        let is = |child: &&mut Child| child.task.as_ref().is_some_and(|task| task.id() == id);
        let Some(child) = self.children.iter_mut().find(is) else { return Ok(()) };
        child.task = None;
        if !child.restart.applies(&ended) {
            return Ok(());
        }
        let Some(restarts) = self.intensity.restart(Instant::now()) else {
            let (starts, class) = (child.starts, ended.class());
            child.reporter.report(|| EventKind::gave_up(starts, StopReason::Attempts, class));
            return Err(SupervisorError {
                supervisor: self.reporter.name().clone(),
                child: child.reporter.name().clone(),
                starts,
                last: ended,
            });
        };
        if ran > self.within {
            (child.restarts, child.delay) = (0, None);
        }
        child.restarts = child.restarts.saturating_add(1);
        let delay = self.backoff.delay(child.restarts, child.delay, &self.random);
        child.delay = Some(delay);
        child.reporter.report(|| EventKind::restarted(restarts));
        child.start(tasks, delay);
        Ok(())
    }
}

impl Child {
    /// Starts the child after `delay`.
    fn start(&mut self, tasks: &mut JoinSet<(ChildEnd, Duration)>, delay: Duration) {
        self.starts = self.starts.saturating_add(1);
        let make = Arc::clone(&self.make);
        let monitor = ChildMonitor(self.reporter.clone());
        self.task = Some(tasks.spawn(async move {
            if !delay.is_zero() {
                sleep(delay).await;
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

/// Stops the children in the opposite order of their start, each after the previous one is gone.
async fn stop_all(children: &mut [Child], tasks: &mut JoinSet<(ChildEnd, Duration)>) {
    for child in children.iter_mut().rev() {
        let Some(task) = child.task.take() else { continue };
        task.abort();
        while !task.is_finished() && tasks.join_next().await.is_some() {}
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("name", self.reporter.name())
            .field("intensity", &self.intensity)
            .field("children", &self.children.len())
            .finish_non_exhaustive()
    }
}
