//! Work that goes on after its caller has left.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::Timeout;
use crate::permits::Permits;
pub use config::DetachBuilder;
pub use future::DetachCall;

mod config;
mod future;
mod task;

/// A timeout whose work goes on when the time is up.
///
/// For work that must not be left half done: a payment, a commit. The caller gets its error in
/// time; the work goes on in a task of its own, and its result is discarded and counted. At most
/// [`max_detached`](DetachBuilder::max_detached) pieces of work go on at once: one more is dropped
/// as under any other timeout, and counted as dropped.
///
/// The work is boxed at the first poll, as only a box can move from the caller to a task.
///
/// ```
/// use std::time::Duration;
/// use seawall_guard::timeout::Detach;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let payments = Detach::builder().limit(Duration::from_secs(1)).build()?;
/// let slow = async {
///     tokio::time::sleep(Duration::from_secs(5)).await;
///     Ok::<_, std::io::Error>("paid")
/// };
/// assert!(payments.call(slow).await.is_err());
/// assert_eq!(payments.counts().detached, 1);
/// tokio::time::sleep(Duration::from_secs(5)).await;
/// assert_eq!((payments.counts().detached, payments.counts().discarded), (0, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Detach {
    timeout: Timeout,
    limit: Duration,
    permits: Arc<Permits>,
    ended: Arc<Ended>,
}

#[derive(Debug, Default)]
struct Ended {
    discarded: AtomicU64,
    panicked: AtomicU64,
    cancelled: AtomicU64,
    dropped: AtomicU64,
}

/// What became of work whose caller timed out.
///
/// `detached + discarded + panicked + cancelled` is all that was ever detached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DetachCounts {
    /// Runs now.
    pub detached: usize,
    /// Had a result, which was discarded.
    pub discarded: u64,
    /// Panicked.
    pub panicked: u64,
    /// Was cancelled with its runtime.
    pub cancelled: u64,
    /// Was dropped when the time was up, as the limit of detached work was reached or there was no
    /// runtime.
    pub dropped: u64,
}

impl Detach {
    /// Configures a timeout that detaches.
    pub fn builder() -> DetachBuilder {
        DetachBuilder::default()
    }

    /// What became of work whose caller timed out.
    pub fn counts(&self) -> DetachCounts {
        let Ended { discarded, panicked, cancelled, dropped } = &*self.ended;
        DetachCounts {
            detached: self.permits.taken(),
            discarded: discarded.load(Ordering::Relaxed),
            panicked: panicked.load(Ordering::Relaxed),
            cancelled: cancelled.load(Ordering::Relaxed),
            dropped: dropped.load(Ordering::Relaxed),
        }
    }

    /// `work`, which goes on without its caller when the time is up. The time counts from the first
    /// poll.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call drops the work: only a timeout detaches it.
    ///
    /// # Panics
    ///
    /// When `work` is pending outside a tokio runtime that has its timer enabled.
    pub fn call<Fut, T, E>(&self, work: Fut) -> DetachCall<'_, Fut>
    where
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        DetachCall::new(self, work)
    }
}
