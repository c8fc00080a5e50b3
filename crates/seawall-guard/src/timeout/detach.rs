//! Work that goes on after its caller gave up.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{
    AllTransient, Attempt, Call, Check, ConfigError, Error, FromFuture, Listeners, Name,
    OperationFuture, PanicReport, PolicyKind, TimedOutBy, contain,
};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::expiry::Expiry;
use super::future::cut_off;
use super::plan::Due;
use super::{Timeout, event};
use crate::places::{Place, Places};
use crate::watched::{End, Watch, Watched};

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

/// Builds a [`Detach`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | `"detach"` | |
/// | [`limit`](Self::limit) | 30 s | [`DEFAULT_LIMIT`](super::DEFAULT_LIMIT) |
/// | [`max_detached`](Self::max_detached) | 64 | work that outlives its callers piles up |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct DetachBuilder {
    name: Name,
    limit: Duration,
    max_detached: usize,
    listeners: Listeners,
}

impl DetachBuilder {
    /// The name in errors and events. 1 to 256 bytes.
    pub fn name(mut self, name: impl Into<Name>) -> Self {
        self.name = name.into();
        self
    }

    /// How long a caller waits, as [`TimeoutBuilder::limit`](super::TimeoutBuilder::limit).
    pub fn limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// How many pieces of work may go on without a caller. With 0 it is an ordinary timeout.
    pub fn max_detached(mut self, max: usize) -> Self {
        self.max_detached = max;
        self
    }

    /// Who is told of calls that were cut off, and of panics of work that went on.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = listeners.clone();
        self
    }

    /// Makes it. Fails if the name is empty or too long.
    pub fn build(self) -> Result<Detach, ConfigError> {
        let name = Check::of(PolicyKind::Timeout).name(self.name)?;
        let timeout = Timeout::builder().name(name).limit(self.limit);
        Ok(Detach {
            timeout: timeout.listeners(&self.listeners).build()?,
            shared: Arc::new(Shared {
                places: Arc::new(Places::new(self.max_detached)),
                discarded: AtomicU64::new(0),
                panicked: AtomicU64::new(0),
                cancelled: AtomicU64::new(0),
                dropped: AtomicU64::new(0),
            }),
        })
    }
}

impl Detach {
    /// Configures it.
    pub fn builder() -> DetachBuilder {
        DetachBuilder {
            name: Name::from("detach"),
            limit: super::DEFAULT_LIMIT,
            max_detached: DEFAULT_MAX_DETACHED,
            listeners: Listeners::default(),
        }
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
        let work = FromFuture::new(work, &AllTransient).start(Attempt::first());
        let work = Some(Box::pin(work));
        DetachCall { work, expiry: Expiry::Unset, began: None, detach: self }
    }

    /// Lets `work` go on without a caller.
    fn go_on<Fut, T, E>(&self, work: Boxed<Fut>)
    where
        Fut: Future<Output = Result<T, E>> + Send + 'static,
    {
        let runtime = Handle::try_current().ok();
        let place = || Places::take(Arc::clone(&self.shared.places));
        let admitted = runtime.and_then(|runtime| Some((runtime, place()?)));
        if let Some((runtime, place)) = admitted {
            let detached = Detached { detach: self.clone(), end: End::Cancelled, _place: place };
            // The result is discarded within, where a panic of its drop is seen.
            runtime.spawn(Watched::new(async move { drop(work.await) }, detached));
        } else {
            self.shared.dropped.fetch_add(1, Ordering::Relaxed);
            if let Err(report) = contain(|| drop(work)) {
                event::panicked(&self.timeout.identity, &report);
            }
        }
    }
}

type Boxed<Fut> = Pin<Box<OperationFuture<'static, Fut, AllTransient>>>;

/// A call whose work goes on when the time is up.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct DetachCall<'p, Fut> {
    work: Option<Boxed<Fut>>,
    #[pin]
    expiry: Expiry,
    began: Option<Instant>,
    detach: &'p Detach,
}

impl<Fut, T, E> Future for DetachCall<'_, Fut>
where
    Fut: Future<Output = Result<T, E>> + Send + 'static,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(work) = this.work.as_mut() else {
            panic!("a call that was detached or over was polled again");
        };
        let began = *this.began.get_or_insert_with(Instant::now);
        if let Poll::Ready(outcome) = work.as_mut().poll(cx) {
            *this.work = None;
            return Poll::Ready(outcome);
        }
        let Timeout { identity, limit } = &this.detach.timeout;
        ready!(this.expiry.poll_at(|| Due::of(began, *limit, None), cx));
        if let Some(work) = this.work.take() {
            this.detach.go_on(work);
        }
        let error = cut_off(identity, began, TimedOutBy::Limit, *limit, Attempt::first());
        Poll::Ready(Err(Error::TimedOut(error)))
    }
}

impl<Fut> fmt::Debug for DetachCall<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DetachCall")
            .field("detach", self.detach.timeout.name())
            .field("running", &self.work.is_some())
            .finish_non_exhaustive()
    }
}

/// Watches work that goes on, and counts how it ended when it is dropped, so each piece is counted
/// exactly once, however it ends.
struct Detached {
    detach: Detach,
    end: End,
    // Given back when the end is counted.
    _place: Place<Arc<Places>>,
}

impl Watch for Detached {
    fn panicked(&self, report: &PanicReport) {
        event::panicked(&self.detach.timeout.identity, report);
    }

    fn over(&mut self, end: End) {
        self.end = end;
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        let shared = &*self.detach.shared;
        let ended = match self.end {
            End::Finished => &shared.discarded,
            End::Panicked => &shared.panicked,
            End::Cancelled => &shared.cancelled,
        };
        ended.fetch_add(1, Ordering::Relaxed);
    }
}
