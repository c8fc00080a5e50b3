//! A bounded pool of workers.

use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::Poll;

use parking_lot::Mutex;
use seawall_core::{Check, ConfigError, PolicyKind, contain};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::{InFlight, Shutdown};

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

/// A bounded pool of workers, which drains with its [`Shutdown`].
///
/// Submitting never waits: a job is queued or refused. When intake stops, new jobs are refused
/// and queued ones are finished; what is still queued when the time for draining is over can be
/// [taken back](Self::take_queued). A job that panics is counted and takes no worker with it.
/// Clones share the pool.
///
/// Submitted = finished + panicked + aborted + queued + running.
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

/// A job that was not accepted, and why. The job is inside.
#[derive(PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubmitError<J> {
    /// As many jobs are queued as may be.
    #[error("the queue is full")]
    Full(J),
    /// The pool takes no more jobs.
    #[error("shutting down")]
    ShuttingDown(J),
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

enum Next<J> {
    Job(J),
    Wait,
    Over,
}

async fn run_worker<J, F, Fut>(inner: Arc<Inner<J>>, work: Arc<F>, intake: CancellationToken)
where
    F: Fn(J) -> Fut,
    Fut: Future<Output = ()>,
{
    let mut stopped = pin!(intake.cancelled());
    loop {
        // Jobs that are always ready would keep this thread from everybody else, and this task
        // from being aborted.
        tokio::task::coop::consume_budget().await;
        let mut submitted = pin!(inner.submitted.notified());
        // Hears what comes between the look at the queue and the wait.
        submitted.as_mut().enable();
        match inner.next() {
            Next::Job(job) => run_job(&inner, &*work, job).await,
            Next::Over => return,
            Next::Wait => {
                poll_fn(|cx| {
                    if stopped.as_mut().poll(cx).is_ready() {
                        inner.close();
                        return Poll::Ready(());
                    }
                    submitted.as_mut().poll(cx)
                })
                .await;
            }
        }
    }
}

async fn run_job<J, F, Fut>(inner: &Inner<J>, work: &F, job: J)
where
    F: Fn(J) -> Fut,
    Fut: Future<Output = ()>,
{
    // Counts the job as aborted unless it comes to another end.
    let mut counted = Counted(&inner.aborted);
    let mut running = pin!(async { work(job).await });
    let end = poll_fn(|cx| match contain(|| running.as_mut().poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(())) => Poll::Ready(&inner.finished),
        Err(_) => Poll::Ready(&inner.panicked),
    })
    .await;
    counted.0 = end;
}

struct Counted<'a>(&'a AtomicU64);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
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

impl<J> fmt::Debug for SubmitError<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full(_) => "Full(..)",
            Self::ShuttingDown(_) => "ShuttingDown(..)",
        })
    }
}

impl<J> SubmitError<J> {
    /// The job.
    pub fn into_job(self) -> J {
        match self {
            Self::Full(job) | Self::ShuttingDown(job) => job,
        }
    }
}
