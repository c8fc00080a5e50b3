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
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

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
    pub(super) grace_period: Duration,
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

/// A supervisor gave up, because a child would have been restarted once too often; or it was stopped and
/// dropped children that still ran when their [grace period](SupervisorBuilder::grace_period) was over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupervisorError {
    /// The supervisor.
    pub supervisor: Name,
    /// The child, as `supervisor/child`.
    pub child: Name,
    /// How often that child was started.
    pub starts: u32,
    /// All children that were dropped while they ran, after the supervisor was stopped. `child` is the
    /// first of them. Empty if it gave up.
    pub dropped: Vec<Name>,
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
        let Self { supervisor, child, starts, dropped, last } = self;
        if !dropped.is_empty() {
            let names: Vec<_> = dropped.iter().map(Name::as_str).collect();
            let (count, names) = (dropped.len(), names.join(", "));
            let unit = if count == 1 { "child" } else { "children" };
            return write!(
                f,
                "supervisor '{supervisor}': stopped; dropped {count} running {unit}: {names}"
            );
        }
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

    /// Like [`run`](Self::run), but stops the children when `stop` is ready. From then on none is
    /// restarted. Those that run have the [grace period](SupervisorBuilder::grace_period) to end, if
    /// they listen to a token; those that still run after it are dropped, in the opposite order of their
    /// start, and named in the error.
    pub async fn run_until(
        mut self,
        stop: impl Future<Output = ()>,
    ) -> Result<(), SupervisorError> {
        let mut tasks = JoinSet::new();
        let stopping = CancellationToken::new();
        for child in &mut self.children {
            child.start(&mut tasks, Duration::ZERO, &stopping);
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
                stopping.cancel();
                return self.stop(&mut tasks).await;
            };
            if let Err(error) = self.ended(joined, &mut tasks, &stopping) {
                stop_all(&mut self.children, &mut tasks).await;
                return Err(error);
            }
        }
    }

    fn ended(
        &mut self,
        joined: Result<(Id, (ChildEnd, Duration)), JoinError>,
        tasks: &mut JoinSet<(ChildEnd, Duration)>,
        stopping: &CancellationToken,
    ) -> Result<(), SupervisorError> {
        let (id, ended, ran) = match joined {
            Ok((id, (ended, ran))) => (id, ended, ran),
            Err(error) => (error.id(), ChildEnd::Cancelled, Duration::ZERO),
        };
        let Some(child) = joined_child(&mut self.children, id) else { return Ok(()) };
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
                dropped: Vec::new(),
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
        child.start(tasks, delay, stopping);
        Ok(())
    }

    /// Gives the children their grace period, and drops those that are left.
    async fn stop(
        &mut self,
        tasks: &mut JoinSet<(ChildEnd, Duration)>,
    ) -> Result<(), SupervisorError> {
        let children = &mut self.children;
        let all_ended = async {
            while let Some(joined) = tasks.join_next_with_id().await {
                let id = joined.map_or_else(|error| error.id(), |(id, _)| id);
                joined_child(children, id);
            }
        };
        let in_time = timeout(self.grace_period, all_ended).await.is_ok();
        if in_time || self.grace_period.is_zero() {
            stop_all(&mut self.children, tasks).await;
            return Ok(());
        }
        let running = self.children.iter().filter(|child| child.task.is_some());
        let dropped: Vec<_> = running.map(|child| (child.reporter.clone(), child.starts)).collect();
        stop_all(&mut self.children, tasks).await;
        for (reporter, starts) in &dropped {
            reporter.report(|| EventKind::gave_up(*starts, StopReason::Shutdown, Class::Cancelled));
        }
        let Some((first, starts)) = dropped.first() else { return Ok(()) };
        Err(SupervisorError {
            supervisor: self.reporter.name().clone(),
            child: first.name().clone(),
            starts: *starts,
            dropped: dropped.iter().map(|(reporter, _)| reporter.name().clone()).collect(),
            last: ChildEnd::Cancelled,
        })
    }
}

/// Notes that the task of a child was joined, and gives the child.
fn joined_child(children: &mut [Child], id: Id) -> Option<&mut Child> {
    let is = |child: &&mut Child| child.task.as_ref().is_some_and(|task| task.id() == id);
    let child = children.iter_mut().find(is)?;
    child.task = None;
    Some(child)
}

impl Child {
    /// Starts the child after `delay`, unless the supervisor is `stopping` by then.
    fn start(
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
