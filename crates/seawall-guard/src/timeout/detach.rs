//! Work that goes on after its caller gave up.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Timeout;
use crate::places::Places;
pub use config::DetachBuilder;
pub use future::DetachCall;

mod config;
mod detached;
mod future;

/// How many pieces of work may go on without a caller, unless set.
pub const DEFAULT_MAX_DETACHED: usize = 64;

/// A timeout whose work goes on when the time is up.
///
/// For work that must not be left half done: a payment, a commit. The caller gets its error in
/// time; the work goes on in a task of its own, and its result is discarded, once, and counted.
/// What goes on is bounded: where [`max_detached`](DetachBuilder::max_detached) pieces already
/// do, the work is dropped like under any other timeout, and counted as such.
///
/// The work is boxed when the call is made, as only a box can move from the caller to a task.
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
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    places: Arc<Places>,
    discarded: AtomicU64,
    panicked: AtomicU64,
    cancelled: AtomicU64,
    dropped: AtomicU64,
}

impl Shared {
    fn new(max_detached: usize) -> Self {
        Self {
            places: Arc::new(Places::new(max_detached)),
            discarded: AtomicU64::new(0),
            panicked: AtomicU64::new(0),
            cancelled: AtomicU64::new(0),
            dropped: AtomicU64::new(0),
        }
    }
}

/// What became of work whose caller gave up.
///
/// What was ever detached is `detached + discarded + panicked + cancelled`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DetachCounts {
    /// Goes on now.
    pub detached: usize,
    /// Came to a result, which was discarded.
    pub discarded: u64,
    /// Panicked.
    pub panicked: u64,
    /// Was cancelled with its runtime.
    pub cancelled: u64,
    /// Was dropped when the time was up, as too many already went on, or outside of a runtime.
    pub dropped: u64,
}

impl Detach {
    /// Configures it.
    pub fn builder() -> DetachBuilder {
        DetachBuilder::default()
    }

    /// What became of work whose caller gave up.
    pub fn counts(&self) -> DetachCounts {
        let Shared { places, discarded, panicked, cancelled, dropped } = &*self.shared;
        DetachCounts {
            detached: places.taken(),
            discarded: discarded.load(Ordering::Relaxed),
            panicked: panicked.load(Ordering::Relaxed),
            cancelled: cancelled.load(Ordering::Relaxed),
            dropped: dropped.load(Ordering::Relaxed),
        }
    }

    /// `work`, waited for only so long.
    ///
    /// # Cancel safety
    ///
    /// Dropping the call drops the work: only the time that runs out detaches it.
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
