//! Long-running tasks that are restarted.

use std::fmt::{self, Display};
use std::future::{Future, pending};
use std::time::Duration;

use seawall_core::{
    Backoff, Class, Counted, EventKind, Name, PolicyKind, Random, Reporter, StopReason,
};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use super::child::Child;
use super::machine::{ChildEnd, Intensity, Restart};
use super::{SupervisorBuilder, SupervisorError};

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
        let name = Name::from(format!("{}/{name}", self.reporter.name()));
        let listeners = self.reporter.listeners().clone();
        let reporter = Reporter::new(name, PolicyKind::Supervisor, listeners);
        self.children.push(Child::new(reporter, restart, make));
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
        child.reporter.count(Counted::Restarted);
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

/// Notes that the task of a child was joined, and returns the child.
fn joined_child(children: &mut [Child], id: Id) -> Option<&mut Child> {
    let is = |child: &&mut Child| child.task.as_ref().is_some_and(|task| task.id() == id);
    let child = children.iter_mut().find(is)?;
    child.task = None;
    Some(child)
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
