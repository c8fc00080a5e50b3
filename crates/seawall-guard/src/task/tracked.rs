//! Tasks that are counted.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use parking_lot::Mutex;
use seawall_core::{
    Cancelled, ConfigError, Error, EventKind, Listeners, Name, PanicReport, Panicked, PolicyKind,
    Reporter, Setup,
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use crate::monitored::{Monitor, Monitored, TaskEnd};

/// Spawns tasks and counts how they ended. Clones share the counts.
///
/// ```
/// use seawall_guard::task::{TaskError, Tasks};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), seawall_core::ConfigError> {
/// let tasks = Tasks::builder().name("uploads").build()?;
/// let good = tasks.spawn(async { 7 });
/// let bad = tasks.spawn(async { if true { panic!("disk full") } });
/// assert_eq!(good.await.ok(), Some(7));
/// assert!(matches!(bad.await, Err(TaskError::Panicked(_))));
/// tasks.wait().await;
/// assert_eq!((tasks.counts().running, tasks.counts().panicked), (0, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Tasks(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    reporter: Reporter,
    counts: Mutex<TaskCounts>,
    idle: Notify,
}

/// How many tasks are in which state. `started` is always `running + finished + panicked + cancelled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TaskCounts {
    /// Spawned so far.
    pub started: u64,
    /// Neither over nor dropped.
    pub running: u64,
    /// Returned an output.
    pub finished: u64,
    /// Panicked.
    pub panicked: u64,
    /// Were aborted, or dropped with their runtime.
    pub cancelled: u64,
}

/// Why a task has no output.
#[derive(Debug)]
#[non_exhaustive]
pub enum TaskError {
    /// It panicked.
    Panicked(Box<Panicked>),
    /// It was aborted, or dropped with its runtime.
    Cancelled(Cancelled),
}

impl TaskError {
    /// The same as an [`Error`].
    pub fn into_error<E>(self) -> Error<E> {
        match self {
            Self::Panicked(panicked) => Error::Panicked(panicked),
            Self::Cancelled(cancelled) => Error::Cancelled(cancelled),
        }
    }
}

impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Panicked(panicked) => panicked.fmt(f),
            Self::Cancelled(cancelled) => cancelled.fmt(f),
        }
    }
}

impl std::error::Error for TaskError {}

/// Builds [`Tasks`].
#[derive(Clone, Debug, Default)]
#[must_use = "a builder does nothing until it is built"]
pub struct TasksBuilder {
    setup: Setup,
}

impl TasksBuilder {
    /// The name in errors and events, `"tasks"` unless set. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.setup.name(name);
        self
    }

    /// The listeners that receive the panics of tasks.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.setup.listeners(listeners);
        self
    }

    /// Builds the tasks. Errors name the field and the allowed range.
    pub fn build(self) -> Result<Tasks, ConfigError> {
        Ok(Tasks(Arc::new(Shared {
            reporter: self.setup.reporter(PolicyKind::Tasks)?,
            counts: Mutex::new(TaskCounts::default()),
            idle: Notify::new(),
        })))
    }
}

impl Tasks {
    /// Configures tasks.
    pub fn builder() -> TasksBuilder {
        TasksBuilder::default()
    }

    /// Spawns `future`. The listeners receive a panic in it when it happens.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
    pub fn spawn<Fut>(&self, future: Fut) -> Task<Fut::Output>
    where
        Fut: Future + Send + 'static,
        Fut::Output: Send + 'static,
    {
        let mut counts = self.0.counts.lock();
        counts.started += 1;
        counts.running += 1;
        drop(counts);
        let counted = Counted { tasks: self.clone(), end: TaskEnd::Cancelled };
        let handle = tokio::spawn(Monitored::new(future, counted));
        Task { handle, tasks: self.clone() }
    }

    /// How many tasks are in which state.
    pub fn counts(&self) -> TaskCounts {
        *self.0.counts.lock()
    }

    /// Waits until no task runs. Tasks that are spawned during the wait are waited for, too.
    ///
    /// # Cancel safety
    ///
    /// Dropping it stops waiting.
    pub async fn wait(&self) {
        loop {
            // Before the count is read: a task that ends in between is not missed.
            let idle = self.0.idle.notified();
            if self.counts().running == 0 {
                return;
            }
            idle.await;
        }
    }
}

/// A task that was spawned by [`Tasks`]. As a future it waits for the task; dropping it detaches the
/// task.
#[derive(Debug)]
#[must_use = "a task goes on without its handle, but its output is lost"]
pub struct Task<T> {
    handle: JoinHandle<Result<T, PanicReport>>,
    tasks: Tasks,
}

impl<T> Task<T> {
    /// Drops the task's future at its next await.
    pub fn abort(&self) {
        self.handle.abort();
    }

    /// Whether the task is over.
    pub fn is_finished(&self) -> bool {
        self.handle.is_finished()
    }
}

impl<T> Future for Task<T> {
    type Output = Result<T, TaskError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let joined = ready!(Pin::new(&mut self.handle).poll(cx));
        let name = || self.tasks.0.reporter.name().clone();
        Poll::Ready(match joined {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(report)) => {
                let panicked = Panicked::in_callback(name(), PolicyKind::Tasks, report);
                Err(TaskError::Panicked(Box::new(panicked)))
            }
            Err(_) => Err(TaskError::Cancelled(Cancelled::new(name(), PolicyKind::Tasks))),
        })
    }
}

/// Counts its task out when it is dropped, so exactly once.
struct Counted {
    tasks: Tasks,
    end: TaskEnd,
}

impl Drop for Counted {
    fn drop(&mut self) {
        let shared = &*self.tasks.0;
        let mut counts = shared.counts.lock();
        counts.running -= 1;
        match self.end {
            TaskEnd::Finished => counts.finished += 1,
            TaskEnd::Panicked => counts.panicked += 1,
            TaskEnd::Cancelled => counts.cancelled += 1,
        }
        let idle = counts.running == 0;
        drop(counts);
        if idle {
            shared.idle.notify_waiters();
        }
    }
}

impl Monitor for Counted {
    fn panicked(&self, report: &PanicReport) {
        self.tasks.0.reporter.report(|| EventKind::Panicked(report.clone()));
    }

    fn ended(&mut self, end: TaskEnd) {
        self.end = end;
    }
}
