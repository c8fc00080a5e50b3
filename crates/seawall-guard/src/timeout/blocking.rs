//! Blocking work that is waited for in time.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{
    AllTransient, Cancelled, Caught, Check, Classify, ConfigError, Error, Event, Evidence,
    Listeners, Name, Panicked, PolicyKind, Reason, Rejection, Rule, What, contain,
};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::{Timeout, TimeoutFuture};
use crate::places::{Place, Places};

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

#[derive(Debug)]
struct Shared {
    places: Arc<Places>,
    abandoned: AtomicUsize,
    refused: AtomicU64,
}

/// Builds a [`Blocking`].
///
/// | setting | default | why |
/// |---|---|---|
/// | [`name`](Self::name) | `"blocking"` | |
/// | [`limit`](Self::limit) | 30 s | [`DEFAULT_LIMIT`](super::DEFAULT_LIMIT) |
/// | [`max_running`](Self::max_running) | 64 | [`DEFAULT_MAX_RUNNING`] |
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it is built"]
pub struct BlockingBuilder {
    name: Name,
    limit: Duration,
    max_running: usize,
    listeners: Listeners,
}

impl BlockingBuilder {
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

    /// How many pieces of work may run at once, waited for or not, at least 1. More are refused.
    pub fn max_running(mut self, max: usize) -> Self {
        self.max_running = max;
        self
    }

    /// Who is told of refusals and of work that took too long.
    pub fn listeners(mut self, listeners: &Listeners) -> Self {
        self.listeners = listeners.clone();
        self
    }

    /// Makes it. Fails if the name is empty or too long, and if nothing may run.
    pub fn build(self) -> Result<Blocking, ConfigError> {
        let check = Check::of(PolicyKind::Timeout);
        check.that(self.max_running > 0, "max_running", self.max_running, "at least 1")?;
        let timeout = Timeout::builder().name(self.name).limit(self.limit);
        Ok(Blocking {
            timeout: timeout.listeners(&self.listeners).build()?,
            shared: Arc::new(Shared {
                places: Arc::new(Places::new(self.max_running)),
                abandoned: AtomicUsize::new(0),
                refused: AtomicU64::new(0),
            }),
        })
    }
}

impl Blocking {
    /// Configures it.
    pub fn builder() -> BlockingBuilder {
        BlockingBuilder {
            name: Name::from("blocking"),
            limit: super::DEFAULT_LIMIT,
            max_running: DEFAULT_MAX_RUNNING,
            listeners: Listeners::default(),
        }
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
    /// it comes back as [`Error::Panicked`]. `work` is handed to the pool when the call is first
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
        let inner = Work { state: State::Idle(Some((permit, work))), blocking: self };
        BlockingCall(self.timeout.around(inner))
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
            self.emit(|| What::Rejected(rejection.clone()));
            rejection
        })
    }

    fn emit(&self, what: impl FnOnce() -> What) {
        self.timeout.listeners().emit(|| {
            let name = self.timeout.name().clone();
            Event::new(name, PolicyKind::Timeout, Instant::now(), what())
        });
    }

    fn panicked<E>(&self, caught: Caught) -> Error<E> {
        let report = caught.into_report();
        self.emit(|| What::Panicked(report.clone()));
        let name = self.timeout.name().clone();
        Error::Panicked(Box::new(Panicked::in_callback(name, PolicyKind::Timeout, report)))
    }
}

/// Whether somebody waits for the work. Shared by both: whoever is last to go settles the count.
#[derive(Clone)]
struct Waiting {
    shared: Arc<Shared>,
    state: Arc<AtomicUsize>,
}

/// Neither the caller nor the work has gone.
const BOTH: usize = 0;
/// The caller has gone: the work is counted as abandoned until it goes, too.
const CALLER_GONE: usize = 1;
/// The work is over.
const WORK_OVER: usize = 2;

impl Waiting {
    fn caller_goes(&self) {
        // AcqRel on both sides, so that exactly one of the two sees the other gone: an abandoned
        // count that is added by the one is taken off by the other, after it was added.
        self.shared.abandoned.fetch_add(1, Ordering::AcqRel);
        if self.state.swap(CALLER_GONE, Ordering::AcqRel) == WORK_OVER {
            self.shared.abandoned.fetch_sub(1, Ordering::AcqRel);
        }
    }

    fn work_goes(&self) {
        if self.state.swap(WORK_OVER, Ordering::AcqRel) == CALLER_GONE {
            self.shared.abandoned.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

/// Dropped when the work is over, however it ended.
struct OverGuard {
    waiting: Waiting,
    // Given back when the end is counted.
    _place: Place<Arc<Places>>,
}

impl Drop for OverGuard {
    fn drop(&mut self) {
        self.waiting.work_goes();
    }
}

#[pin_project]
struct Work<'p, F, P, T, E> {
    state: State<F, P, T, E>,
    blocking: &'p Blocking,
}

enum State<F, P, T, E> {
    Idle(Option<(P, F)>),
    Running(Waited<T, E>),
    Over,
}

/// Work that is waited for; dropped before its outcome came, it is abandoned.
struct Waited<T, E> {
    task: JoinHandle<Result<Result<T, E>, Caught>>,
    waiting: Option<Waiting>,
}

impl<T, E> Drop for Waited<T, E> {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            // Takes it out of the pool's queue if no thread has begun it.
            self.task.abort();
            waiting.caller_goes();
        }
    }
}

impl<F, P, T, E> Work<'_, F, P, T, E>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    P: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    fn start(blocking: &Blocking, permit: P, work: F) -> Result<Waited<T, E>, Rejection> {
        let place = blocking.admit()?;
        let state = Arc::new(AtomicUsize::new(BOTH));
        let waiting = Waiting { shared: Arc::clone(&blocking.shared), state };
        let over = OverGuard { waiting: waiting.clone(), _place: place };
        let task = tokio::task::spawn_blocking(move || {
            let outcome = seawall_core::catch(work);
            // The caller's code, too.
            let dropped = contain(|| drop(permit));
            drop(over);
            drop(dropped);
            outcome
        });
        Ok(Waited { task, waiting: Some(waiting) })
    }
}

impl<F, P, T, E> Future for Work<'_, F, P, T, E>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    P: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    type Output = Result<T, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let State::Idle(idle) = this.state
            && let Some((permit, work)) = idle.take()
        {
            *this.state = State::Over;
            *this.state = State::Running(Self::start(this.blocking, permit, work)?);
        }
        let State::Running(waited) = this.state else {
            panic!("a call of blocking work was polled after it was over");
        };
        let joined = ready!(Pin::new(&mut waited.task).poll(cx));
        waited.waiting = None;
        *this.state = State::Over;
        Poll::Ready(match joined {
            Ok(Ok(Ok(output))) => Ok(output),
            Ok(Ok(Err(error))) => {
                let class = AllTransient.classify(&error);
                Err(Error::operation_failed(error, class))
            }
            Ok(Err(caught)) => Err(this.blocking.panicked(caught)),
            // The runtime shut down before a thread took it.
            Err(_) => {
                let name = this.blocking.timeout.name().clone();
                Err(Error::Cancelled(Cancelled::new(name, PolicyKind::Timeout)))
            }
        })
    }
}

/// A call of blocking work.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct BlockingCall<'p, F, P, T, E>(#[pin] TimeoutFuture<'p, Work<'p, F, P, T, E>>);

impl<F, P, T, E> Future for BlockingCall<'_, F, P, T, E>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    P: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    type Output = Result<T, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().0.poll(cx)
    }
}

impl<F, P, T, E> fmt::Debug for BlockingCall<'_, F, P, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
