use std::future::Future;
use std::sync::Arc;

use seawall_core::{Check, ConfigError, PolicyKind};

use super::worker::run_worker;
use super::{Inner, WorkerPool};
use crate::Shutdown;

/// A few jobs at a time suit work that waits for others; work that computes wants one a core.
pub const DEFAULT_WORKERS: usize = 4;

/// Deep enough for a burst, shallow enough that what is queued can be finished in a drain.
pub const DEFAULT_QUEUE: usize = 1024;

/// Builds a [`WorkerPool`].
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct WorkerPoolBuilder {
    name: String,
    workers: usize,
    queue: usize,
}

const CHECK: Check = Check::of(PolicyKind::Shutdown);

impl Default for WorkerPoolBuilder {
    fn default() -> Self {
        Self { name: "worker".to_owned(), workers: DEFAULT_WORKERS, queue: DEFAULT_QUEUE }
    }
}

impl WorkerPoolBuilder {
    /// The name of the workers' tasks in the report. Default: `worker`.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// How many jobs run at once. Default: [`DEFAULT_WORKERS`].
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// How many jobs may wait. Default: [`DEFAULT_QUEUE`].
    pub fn queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }

    /// Starts the workers as tracked tasks of `shutdown`. Each job is handed to `work`.
    ///
    /// # Errors
    ///
    /// If a field is out of its range, or `shutdown` is over.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn start<J, F, Fut>(
        self,
        shutdown: &Shutdown,
        work: F,
    ) -> Result<WorkerPool<J>, ConfigError>
    where
        J: Send + 'static,
        F: Fn(J) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let Self { name, workers, queue } = self;
        CHECK.that(workers > 0, "workers", workers, "at least 1")?;
        CHECK.that(queue > 0, "queue", queue, "at least 1")?;
        let pool = WorkerPool(Arc::new(Inner::new(queue, shutdown.in_flight().clone())));
        let work = Arc::new(work);
        for number in 1..=workers {
            let (inner, work) = (Arc::clone(&pool.0), Arc::clone(&work));
            let spawned = shutdown
                .spawn(format!("{name} {number}"), move |intake| run_worker(inner, work, intake));
            if spawned.is_err() {
                pool.0.close();
                let over = ConfigError::new(
                    PolicyKind::Shutdown,
                    "shutdown",
                    "over",
                    "still before the end of its drain",
                );
                return Err(over);
            }
        }
        Ok(pool)
    }
}
