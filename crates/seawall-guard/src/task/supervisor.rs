//! Long-running tasks that are started again.

use std::fmt::{self, Display};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::panic::message_of;
use seawall_core::{Backoff, Listeners, Name, PanicReport, PolicyKind, Random, contain};
use tokio::task::{AbortHandle, Id, JoinError, JoinSet};
use tokio::time::{Instant, sleep};

use super::machine::{Ended, Intensity, Restart};
use super::{SupervisorBuilder, event};
use crate::monitored::{Monitor, Monitored, TaskEnd};

type Running = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type Make = Arc<dyn Fn() -> Running + Send + Sync>;

/// Keeps long-running tasks running. The [chapter](super) says what it promises.
#[must_use = "a supervisor does nothing until it runs"]
pub struct Supervisor {
    pub(super) name: Name,
    pub(super) listeners: Listeners,
    pub(super) intensity: Intensity,
    pub(super) within: Duration,
    pub(super) backoff: Backoff,
    pub(super) random: Random,
    pub(super) children: Vec<Child>,
}

pub(super) struct Child {
    name: Name,
    restart: Restart,
    make: Make,
    /// Restarts in a row.
    restarts: u32,
    starts: u32,
    delay: Option<Duration>,
    task: Option<AbortHandle>,
}

/// A child failed more often than it may, or nobody may start it again: its supervisor gave up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SupervisorError {
    /// The supervisor.
    pub supervisor: Name,
    /// The child whose end was one too many.
    pub child: Name,
    /// How often that child was started.
    pub starts: u32,
    /// How the child ended the last time.
    pub last: Ended,
}

impl Display for SupervisorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { supervisor, child, starts, last } = self;
        write!(
            f,
            "supervisor '{supervisor}': too many restarts; '{child}' was started {starts} times and "
        )?;
        match last {
            Ended::Normally => f.write_str("ended normally"),
            Ended::Failed(error) => write!(f, "failed: {error}"),
            Ended::Panicked(report) => report.fmt(f),
            Ended::Cancelled => f.write_str("was cancelled"),
        }
    }
}

impl std::error::Error for SupervisorError {}

impl Supervisor {
    /// Configures a supervisor.
    pub fn builder() -> SupervisorBuilder {
        SupervisorBuilder::default()
    }

    /// Adds a child: `make` makes its future, for the first start and for each restart.
    pub fn child<F, Fut, E>(mut self, name: &str, restart: Restart, make: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Display,
    {
        let make: Make = Arc::new(move || Box::pin(Said(make())));
        let name = Name::from(format!("{}/{name}", self.name));
        let (restarts, starts) = (0, 0);
        self.children.push(Child {
            name,
            restart,
            make,
            restarts,
            starts,
            delay: None,
            task: None,
        });
        self
    }

    /// Runs the children, each in a task of its own, until all have ended for good, or one ends
    /// that may not be started again for want of restarts.
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
            child.start(&self.listeners, &mut tasks, Duration::ZERO);
        }
        let mut stop = std::pin::pin!(stop);
        loop {
            let joined = tokio::select! {
                // Told to stop and a child ended: stop.
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
        joined: Result<(Id, (Ended, Duration)), JoinError>,
        tasks: &mut JoinSet<(Ended, Duration)>,
    ) -> Result<(), SupervisorError> {
        let (id, ended, ran) = match joined {
            Ok((id, (ended, ran))) => (id, ended, ran),
            Err(error) => (error.id(), Ended::Cancelled, Duration::ZERO),
        };
        let is = |child: &&mut Child| child.task.as_ref().is_some_and(|task| task.id() == id);
        let Some(child) = self.children.iter_mut().find(is) else { return Ok(()) };
        child.task = None;
        if !child.restart.applies(&ended) {
            return Ok(());
        }
        let Some(restarts) = self.intensity.restart(Instant::now()) else {
            event::gave_up(&self.listeners, &child.name, child.starts, ended.class());
            return Err(SupervisorError {
                supervisor: self.name.clone(),
                child: child.name.clone(),
                starts: child.starts,
                last: ended,
            });
        };
        if ran > self.within {
            (child.restarts, child.delay) = (0, None);
        }
        child.restarts = child.restarts.saturating_add(1);
        let delay = self.backoff.delay(child.restarts, child.delay, &self.random);
        child.delay = Some(delay);
        event::restarted(&self.listeners, &child.name, restarts);
        child.start(&self.listeners, tasks, delay);
        Ok(())
    }
}

impl Child {
    /// Starts the child after `delay`.
    fn start(
        &mut self,
        listeners: &Listeners,
        tasks: &mut JoinSet<(Ended, Duration)>,
        delay: Duration,
    ) {
        self.starts = self.starts.saturating_add(1);
        let make = Arc::clone(&self.make);
        let watch = Telling { listeners: listeners.clone(), name: self.name.clone() };
        self.task = Some(tasks.spawn(async move {
            if !delay.is_zero() {
                sleep(delay).await;
            }
            let began = Instant::now();
            (run(make, watch).await, began.elapsed())
        }));
    }
}

/// A child's future, whose error is but its message. No async block: one that is left by a panic
/// drops what it holds on the way, where another panic ends the process.
#[pin_project]
struct Said<Fut>(#[pin] Fut);

impl<Fut: Future<Output = Result<(), E>>, E: Display> Future for Said<Fut> {
    type Output = Result<(), String>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let message = |error| message_of(&error).into_string();
        self.project().0.poll(cx).map_err(message)
    }
}

/// Runs a child once; its panics are told wherever they are, also when it is stopped.
async fn run(make: Make, watch: Telling) -> Ended {
    let future = match contain(|| make()) {
        Ok(future) => future,
        Err(report) => {
            watch.panicked(&report);
            return Ended::Panicked(report);
        }
    };
    match Monitored::new(future, watch).await {
        Ok(Ok(())) => Ended::Normally,
        Ok(Err(error)) => Ended::Failed(error),
        Err(report) => Ended::Panicked(report),
    }
}

/// Tells of the panics of the child `name`.
struct Telling {
    listeners: Listeners,
    name: Name,
}

impl Monitor for Telling {
    fn panicked(&self, report: &PanicReport) {
        event::panicked(&self.listeners, &self.name, PolicyKind::Supervisor, report);
    }

    // The supervisor joins the task.
    fn ended(&mut self, _: TaskEnd) {}
}

/// Stops the children in the opposite order of their start, each after the one before is gone.
async fn stop_all(children: &mut [Child], tasks: &mut JoinSet<(Ended, Duration)>) {
    for child in children.iter_mut().rev() {
        let Some(task) = child.task.take() else { continue };
        task.abort();
        while !task.is_finished() && tasks.join_next().await.is_some() {}
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor")
            .field("name", &self.name)
            .field("intensity", &self.intensity)
            .field("children", &self.children.len())
            .finish_non_exhaustive()
    }
}
