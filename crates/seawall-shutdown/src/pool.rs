//! A bounded pool of workers.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::InFlight;
pub use config::{DEFAULT_QUEUE, DEFAULT_WORKERS, WorkerPoolBuilder};
pub use submit_error::SubmitError;
use worker::Next;

mod config;
mod submit_error;
mod worker;

/// A bounded pool of workers, which drains with its [`Shutdown`](crate::Shutdown).
///
/// Submitting never waits: a job is queued or refused. When intake stops, new jobs are refused
/// and queued ones are finished; what is still queued when the time for draining is over can be
/// [taken back](Self::take_queued). A job that panics is counted and takes no worker with it.
/// Clones share the pool.
///
/// Submitted = finished + panicked + aborted + queued + running + taken back.
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
pub struct WorkerPool<J>(Arc<Inner<J>>);

struct Inner<J> {
    queue: Mutex<Queue<J>>,
    /// A permit for each job that nobody has been woken for.
    submitted: Notify,
    finished: AtomicU64,
    panicked: AtomicU64,
    aborted: AtomicU64,
    capacity: usize,
    /// Closed when intake stops, whatever the workers are at.
    intake: InFlight,
}

struct Queue<J> {
    jobs: VecDeque<J>,
    closed: bool,
    submitted: u64,
    refused: u64,
}

/// What became of the jobs of a pool.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolCounts {
    /// Accepted.
    pub submitted: u64,
    /// Refused because the queue was full or the pool was shutting down.
    pub refused: u64,
    /// Came to their end.
    pub finished: u64,
    /// Panicked.
    pub panicked: u64,
    /// Were under way when the time for draining was over.
    pub aborted: u64,
    /// Wait for a worker, or to be taken back.
    pub queued: u64,
}

impl WorkerPool<()> {
    /// A builder, with every default in place. What the jobs are follows from what they are given
    /// to.
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
        {
            let mut queue = self.0.queue.lock();
            if queue.closed || self.0.intake.is_closed() {
                queue.refused += 1;
                return Err(SubmitError::ShuttingDown(job));
            }
            if queue.jobs.len() >= self.0.capacity {
                queue.refused += 1;
                return Err(SubmitError::Full(job));
            }
            queue.submitted += 1;
            queue.jobs.push_back(job);
        }
        self.0.submitted.notify_one();
        Ok(())
    }

    /// Takes back what no worker has taken, the oldest first, and closes the pool. After the
    /// shutdown: what the drain did not get to.
    pub fn take_queued(&self) -> Vec<J> {
        let mut queue = self.0.queue.lock();
        queue.closed = true;
        queue.jobs.drain(..).collect()
    }

    /// What became of the jobs. Those taken back are in none of the counts but `submitted`.
    pub fn counts(&self) -> PoolCounts {
        let queue = self.0.queue.lock();
        PoolCounts {
            submitted: queue.submitted,
            refused: queue.refused,
            finished: self.0.finished.load(Ordering::Relaxed),
            panicked: self.0.panicked.load(Ordering::Relaxed),
            aborted: self.0.aborted.load(Ordering::Relaxed),
            queued: queue.jobs.len() as u64,
        }
    }
}

impl<J> Inner<J> {
    fn new(capacity: usize, intake: InFlight) -> Self {
        Self {
            queue: Mutex::new(Queue {
                jobs: VecDeque::new(),
                closed: false,
                submitted: 0,
                refused: 0,
            }),
            submitted: Notify::new(),
            finished: AtomicU64::new(0),
            panicked: AtomicU64::new(0),
            aborted: AtomicU64::new(0),
            capacity,
            intake,
        }
    }

    /// Refuses new jobs; wakes the workers, so that each looks whether it is done.
    fn close(&self) {
        self.queue.lock().closed = true;
        self.submitted.notify_waiters();
    }

    fn next(&self) -> Next<J> {
        let mut queue = self.queue.lock();
        match queue.jobs.pop_front() {
            Some(job) => Next::Job(job),
            None if queue.closed => Next::Over,
            None => Next::Wait,
        }
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
