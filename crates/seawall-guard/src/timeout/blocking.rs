//! Blocking work with a limit on how long its caller waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use seawall_core::{Counted, Lazy, Policy, Reason, Rejection};

use super::{Timeout, TimeoutCall};
use crate::permits::{Permit, Permits};
pub use config::BlockingBuilder;
pub use future::{BlockingFuture, BlockingWork};

mod config;
mod future;
mod work;

/// The future of [`Blocking::call`].
pub type BlockingCall<'p, F, P> = Lazy<TimeoutCall<'p, BlockingWork<'p, F, P>>>;

/// Runs blocking work, and limits how long its caller waits.
///
/// **Blocking work can't be cancelled.** When the time is up the caller gets its error, and the
/// work goes on until it ends by itself, on its thread of tokio's blocking pool. It keeps its
/// permit for as long as it runs, so work that hangs uses up its own limit and not the pool;
/// [`still_running`](Self::still_running) counts the work that has lost its caller. An async block
/// that loops without awaiting is the same: no timer fires while it runs.
///
/// Work that takes long should check a flag or a deadline from time to time; hand it one.
///
/// ```
/// use std::time::Duration;
/// use seawall_guard::timeout::Blocking;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let thumbnails = Blocking::builder().limit(Duration::from_secs(2)).max_running(4).build()?;
/// let size = thumbnails.call(|| Ok::<_, std::io::Error>(17)).await?;
/// assert_eq!((size, thumbnails.still_running()), (17, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Blocking {
    timeout: Timeout,
    permits: Arc<Permits>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    abandoned: AtomicUsize,
    refused: AtomicU64,
}

impl Blocking {
    /// Configures a limit for blocking work.
    pub fn builder() -> BlockingBuilder {
        BlockingBuilder::default()
    }

    /// How many pieces of work run or wait for a thread.
    pub fn running(&self) -> usize {
        self.permits.taken()
    }

    /// How many pieces of work run though their caller has left.
    pub fn still_running(&self) -> usize {
        self.counts.abandoned.load(Ordering::Relaxed)
    }

    /// How many pieces of work were refused because as many as
    /// [`max_running`](BlockingBuilder::max_running) ran.
    pub fn refused(&self) -> u64 {
        self.counts.refused.load(Ordering::Relaxed)
    }

    /// Runs `work` on a thread of the blocking pool and waits for it within the limit. A panic in it
    /// comes back as [`Error::Panicked`](seawall_core::Error::Panicked), and is reported to the
    /// listeners though the caller may have left. `work` is handed to the pool at the first poll.
    ///
    /// # Cancel safety
    ///
    /// Work that has begun goes on when the call is dropped, and counts as still running.
    ///
    /// # Panics
    ///
    /// When polled outside a tokio runtime that has its timer enabled.
    pub fn call<F, T, E>(&self, work: F) -> BlockingCall<'_, F, ()>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.call_holding((), work)
    }

    /// Like [`call`](Self::call), but `permit` is held until the work is over: for work that keeps a
    /// bulkhead's place busy though its caller has left.
    pub fn call_holding<F, P, T, E>(&self, permit: P, work: F) -> BlockingCall<'_, F, P>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        P: Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        Lazy::new(self.timeout.wrap(BlockingWork { blocking: self, permit, work }))
    }

    fn admit(&self) -> Result<Permit<Arc<Permits>>, Rejection> {
        Permits::try_acquire(Arc::clone(&self.permits)).ok_or_else(|| {
            self.counts.refused.fetch_add(1, Ordering::Relaxed);
            self.timeout.reporter.count(Counted::Refused(Reason::Full));
            let rejection = self.timeout.reporter.rejection(Reason::Full);
            self.timeout.reporter.refused(rejection.because(self.permits.evidence()))
        })
    }
}
