//! Blocking work that is waited for in time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use seawall_core::{Evidence, PolicyKind, Reason, Rejection, Rule};

use super::Timeout;
use crate::places::{Place, Places};
pub use config::BlockingBuilder;
pub use future::BlockingCall;
use waiting::Shared;

mod config;
mod future;
mod waiting;

/// How many pieces of work may run at once, unless set. Each takes a thread; a thread that hangs
/// takes it for good.
pub const DEFAULT_MAX_RUNNING: usize = 64;

/// Waits for blocking work, but only so long.
///
/// **Blocking work can't be cancelled.** When the time is up the caller gets its error, and the
/// work goes on until it ends by itself, on its thread of tokio's blocking pool. It keeps its
/// permit for as long as it runs, so work that hangs uses up its own limit and not the pool, and
/// [`still_running`](Self::still_running) says how much of it nobody waits for any more. An async
/// block that loops without awaiting is the same: no timeout gets its turn while it runs.
///
/// Work that takes long should look at a flag or a deadline from time to time; give it one.
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
    shared: Arc<Shared>,
}

impl Blocking {
    /// Configures it.
    pub fn builder() -> BlockingBuilder {
        BlockingBuilder::default()
    }

    /// How many pieces of work run or wait for a thread.
    pub fn running(&self) -> usize {
        self.shared.places.taken()
    }

    /// How many pieces of work run though nobody waits for them any more.
    pub fn still_running(&self) -> usize {
        self.shared.abandoned.load(Ordering::Relaxed)
    }

    /// How many pieces of work were refused because [`max_running`](BlockingBuilder::max_running)
    /// ran.
    pub fn refused(&self) -> u64 {
        self.shared.refused.load(Ordering::Relaxed)
    }

    /// Runs `work` on a thread of the blocking pool and waits for it, but only so long. A panic in
    /// it comes back as [`Error::Panicked`](seawall_core::Error::Panicked), and is told to the
    /// listeners whether anybody waits or not. `work` is handed to the pool when the call is first
    /// polled.
    ///
    /// # Cancel safety
    ///
    /// Work that was begun goes on when the call is dropped, and counts as still running.
    ///
    /// # Panics
    ///
    /// When polled outside a tokio runtime that has its timer enabled.
    pub fn call<F, T, E>(&self, work: F) -> BlockingCall<'_, F, (), T, E>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        self.call_holding((), work)
    }

    /// Like [`call`](Self::call), and `permit` is dropped when the work is over, not when the
    /// caller gives up: the permit of a bulkhead, say, that the work keeps busy.
    pub fn call_holding<F, P, T, E>(&self, permit: P, work: F) -> BlockingCall<'_, F, P, T, E>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        P: Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        BlockingCall::new(self, permit, work)
    }

    /// Takes a place to run.
    fn admit(&self) -> Result<Place<Arc<Places>>, Rejection> {
        let places = &self.shared.places;
        Places::take(Arc::clone(places)).ok_or_else(|| {
            self.shared.refused.fetch_add(1, Ordering::Relaxed);
            let max = f64::from(u32::try_from(places.max()).unwrap_or(u32::MAX));
            let name = self.timeout.name().clone();
            let rejection = Rejection::new(name, PolicyKind::Timeout, Reason::Full)
                .because(Evidence::new(Rule::InFlight, max, max, 0));
            self.timeout.listeners().rejected(rejection)
        })
    }
}
