use std::future::Future;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall_core::{Check, ConfigError, PolicyKind};

use super::queue::Queue;
use super::worker::run_worker;
use super::{Shared, WorkerPool};
use crate::defaults::{DEFAULT_QUEUE, DEFAULT_WORKERS};
use crate::{Shutdown, ShuttingDown};

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

    /// The number of jobs that run at once. Default: [`DEFAULT_WORKERS`].
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers;
        self
    }

    /// The number of jobs that may wait. Default: [`DEFAULT_QUEUE`].
    pub fn queue(mut self, queue: usize) -> Self {
        self.queue = queue;
        self
    }

    /// Starts the workers as tracked tasks of `shutdown`. Each job is handed to `work`.
    ///
    /// # Errors
    ///
    /// Names the field that is out of its range, or `shutdown` where that is over.
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
        let pool = WorkerPool(Arc::new(Shared {
            queue: Mutex::new(Queue::new()),
            capacity: queue,
            intake: shutdown.in_flight().clone(),
        }));
        let work = Arc::new(work);
        for number in 1..=workers {
            let (shared, work) = (Arc::clone(&pool.0), Arc::clone(&work));
            let worker = move |intake| run_worker(shared, number, work, intake);
            if let Err(ShuttingDown) = shutdown.spawn(format!("{name} {number}"), worker) {
                pool.0.close();
                let allowed = "still before the end of its drain";
                return Err(ConfigError::new(PolicyKind::Shutdown, "shutdown", "over", allowed));
            }
        }
        Ok(pool)
    }
}
