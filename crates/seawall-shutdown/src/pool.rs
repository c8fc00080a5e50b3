//! A bounded pool of workers.

use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use seawall_core::wakers::wake_all;

use crate::InFlight;
pub use config::WorkerPoolBuilder;
pub use counts::PoolCounts;
use queue::Queue;
pub use submit_error::SubmitError;

mod config;
mod counts;
mod queue;
mod submit_error;
mod worker;

/// A bounded pool of workers, which drains with its [`Shutdown`](crate::Shutdown).
///
/// Submitting never waits: a job is queued or refused. When intake stops, new jobs are refused
/// and queued ones are finished; what is still queued when the time for draining is over can be
/// [taken back](Self::take_queued). A job that panics is counted, and its worker goes on. Clones
/// share the pool.
///
/// ```
/// use seawall_shutdown::{Shutdown, WorkerPool};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let shutdown = Shutdown::builder().build()?;
/// let pool = WorkerPool::builder()
///     .workers(2)
///     .start(&shutdown, |address: String| async move {
///         println!("mail to {address}");
///     })?;
/// pool.submit("a@example.org".to_owned())?;
///
/// shutdown.trigger("done");
/// assert!(shutdown.run().await.is_clean());
/// assert_eq!(pool.counts().finished, 1);
/// # Ok(())
/// # }
/// ```
pub struct WorkerPool<J>(Arc<Shared<J>>);

struct Shared<J> {
    queue: Mutex<Queue<J>>,
    capacity: usize,
    /// Closed when intake stops, however busy the workers are.
    intake: InFlight,
}

impl WorkerPool<()> {
    /// A builder, with every default in place. The type of the jobs follows from the function that
    /// they are handed to.
    pub fn builder() -> WorkerPoolBuilder {
        WorkerPoolBuilder::default()
    }
}

impl<J> WorkerPool<J> {
    /// Queues a job, or hands it back. Never waits.
    ///
    /// # Errors
    ///
    /// [`SubmitError`], with the job in it.
    pub fn submit(&self, job: J) -> Result<(), SubmitError<J>> {
        let idle = {
            let mut queue = self.0.queue.lock();
            if queue.closed || self.0.intake.is_closed() {
                queue.counts.refused += 1;
                return Err(SubmitError::ShuttingDown(job));
            }
            if queue.jobs.len() >= self.0.capacity {
                queue.counts.refused += 1;
                return Err(SubmitError::Full(job));
            }
            queue.push(job)
        };
        wake_all(idle);
        Ok(())
    }

    /// Takes back the jobs that no worker has taken, the oldest first, and closes the pool. After
    /// the shutdown: what the drain did not get to.
    pub fn take_queued(&self) -> Vec<J> {
        let jobs = self.0.queue.lock().take_back();
        self.0.close();
        jobs
    }

    /// How many jobs are where.
    pub fn counts(&self) -> PoolCounts {
        self.0.queue.lock().counts()
    }
}

impl<J> Shared<J> {
    /// Refuses new jobs, and lets the workers end when the queue is empty.
    fn close(&self) {
        let idle = self.queue.lock().close();
        wake_all(idle);
    }
}

impl<J> Clone for WorkerPool<J> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<J> fmt::Debug for WorkerPool<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WorkerPool").field(&self.counts()).finish()
    }
}
