//! A call of blocking work.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{
    AllTransient, Cancelled, Classify, Error, PanicReport, Panicked, PolicyKind, Rejection, contain,
};
use tokio::task::JoinHandle;

use super::super::{TimeoutFuture, event};
use super::Blocking;
use super::waiting::Waiting;

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
    task: JoinHandle<Result<Result<T, E>, PanicReport>>,
    waiting: Option<Waiting>,
}

impl<T, E> Drop for Waited<T, E> {
    fn drop(&mut self) {
        if let Some(waiting) = self.waiting.take() {
            // Where no thread has begun it, none will.
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
        let (waiting, over) = Waiting::begin(&blocking.shared, place);
        let identity = blocking.timeout.identity.clone();
        let task = tokio::task::spawn_blocking(move || {
            // Told here, as the caller may have gone.
            let tell = |report: &PanicReport| event::panicked(&identity, report);
            let outcome = contain(work).inspect_err(tell);
            // The caller's code, too.
            let _ = contain(|| drop(permit)).inspect_err(tell);
            drop(over);
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
            Ok(Err(report)) => {
                let name = this.blocking.timeout.name().clone();
                let panicked = Panicked::in_callback(name, PolicyKind::Timeout, report);
                Err(Error::from(panicked))
            }
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

impl<'p, F, P, T, E> BlockingCall<'p, F, P, T, E> {
    pub(super) fn new(blocking: &'p Blocking, permit: P, work: F) -> Self {
        let work = Work { state: State::Idle(Some((permit, work))), blocking };
        Self(blocking.timeout.around(work))
    }
}

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
