//! A call of blocking work.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use seawall_core::{
    AllTransient, Attempt, Call, Cancelled, Classify, Error, EventKind, PanicReport, Panicked,
    PolicyKind, Rejection, contain,
};
use tokio::task::JoinHandle;

use super::Blocking;
use super::work::Presence;

/// Blocking work, handed to the pool when it is started.
pub struct BlockingWork<'p, F, P> {
    pub(super) blocking: &'p Blocking,
    pub(super) permit: P,
    pub(super) work: F,
}

impl<'p, F, P, T, E> Call for BlockingWork<'p, F, P>
where
    F: FnOnce() -> Result<T, E> + Send + 'static,
    P: Send + 'static,
    T: Send + 'static,
    E: Send + 'static,
{
    type Output = T;
    type Error = E;
    type Future = BlockingFuture<'p, T, E>;

    fn start(self, _: Attempt) -> Self::Future {
        let Self { blocking, permit, work } = self;
        let state = match blocking.admit() {
            Ok(admitted) => {
                let (presence, guard) = Presence::begin(&blocking.counts, admitted);
                let reporter = blocking.timeout.reporter.clone();
                let task = tokio::task::spawn_blocking(move || {
                    // Reported here, as the caller may have left.
                    let report = |report: &PanicReport| {
                        reporter.report(|| EventKind::Panicked(report.clone()));
                    };
                    let outcome = contain(work).inspect_err(report);
                    // The caller's code, too.
                    let _ = contain(|| drop(permit)).inspect_err(report);
                    drop(guard);
                    outcome
                });
                State::Running(Waiting { task, presence: Some(presence) })
            }
            Err(rejection) => State::Refused(Some(rejection)),
        };
        BlockingFuture { state, blocking }
    }
}

/// Blocking work under way.
#[must_use = "futures do nothing unless polled"]
pub struct BlockingFuture<'p, T, E> {
    state: State<T, E>,
    blocking: &'p Blocking,
}

enum State<T, E> {
    Refused(Option<Rejection>),
    Running(Waiting<T, E>),
}

/// Waits for work. Dropped before the outcome came, it abandons the work.
struct Waiting<T, E> {
    task: JoinHandle<Result<Result<T, E>, PanicReport>>,
    presence: Option<Arc<Presence>>,
}

impl<T, E> Drop for Waiting<T, E> {
    fn drop(&mut self) {
        if let Some(presence) = self.presence.take() {
            // Work that no thread has begun is not begun any more.
            self.task.abort();
            presence.caller_leaves();
        }
    }
}

impl<T, E> Future for BlockingFuture<'_, T, E> {
    type Output = Result<T, Error<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let waiting = match &mut self.state {
            State::Running(waiting) => waiting,
            State::Refused(rejection) => {
                let rejection = rejection.take().expect("a refused call was polled again");
                return Poll::Ready(Err(Error::from(rejection)));
            }
        };
        let joined = ready!(Pin::new(&mut waiting.task).poll(cx));
        waiting.presence = None;
        let name = || self.blocking.timeout.name().clone();
        Poll::Ready(match joined {
            Ok(Ok(outcome)) => AllTransient.sort(outcome),
            Ok(Err(report)) => {
                Err(Error::from(Panicked::in_callback(name(), PolicyKind::Timeout, report)))
            }
            // The runtime shut down before a thread took it.
            Err(_) => Err(Error::Cancelled(Cancelled::new(name(), PolicyKind::Timeout))),
        })
    }
}

impl<F, P> fmt::Debug for BlockingWork<'_, F, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingWork").field("blocking", &self.blocking).finish_non_exhaustive()
    }
}

impl<T, E> fmt::Debug for BlockingFuture<'_, T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlockingFuture").field("blocking", &self.blocking).finish_non_exhaustive()
    }
}
