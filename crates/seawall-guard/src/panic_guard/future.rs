//! A call whose panics are caught.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};
use seawall_core::{Caught, Error, Panicked, catch};

use super::PanicGuard;

/// A call with a [`PanicGuard`] around it.
///
/// After a panic the call is dropped before the error is returned, and never polled again. A panic in
/// dropping the call is reported, but an outcome stands: what was done was done.
#[pin_project(PinnedDrop)]
#[must_use = "futures do nothing unless polled"]
pub struct PanicGuardFuture<'p, Fut> {
    #[pin]
    state: State<Fut>,
    guard: &'p PanicGuard,
}

#[pin_project(project = StateProjection)]
enum State<Fut> {
    Running(#[pin] Fut),
    /// Over after a panic; with the error to return, where starting the call panicked. One variant
    /// rather than two, so that the tag fits into what the call leaves free.
    Over(Option<Box<Panicked>>),
}

impl<'p, Fut> PanicGuardFuture<'p, Fut> {
    pub(super) fn new(guard: &'p PanicGuard, started: Result<Fut, Caught>) -> Self {
        let state = match started {
            Ok(call) => State::Running(call),
            Err(caught) => State::Over(Some(guard.panicked(caught))),
        };
        Self { state, guard }
    }

    /// Drops the call, whose panic is reported and goes no further.
    fn drop_call(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let Err(caught) = catch(|| this.state.set(State::Over(None))) {
            this.guard.report(caught);
        }
    }
}

impl<Fut, T, E> Future for PanicGuardFuture<'_, Fut>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled again after a panic.
    #[expect(clippy::inline_always, reason = "30 instructions a call, by count")]
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.as_mut().project();
        let panicked = match this.state.project() {
            StateProjection::Running(call) => match catch(|| call.poll(cx)) {
                Ok(polled) => return polled,
                Err(caught) => {
                    let panicked = this.guard.panicked(caught);
                    self.drop_call();
                    panicked
                }
            },
            StateProjection::Over(panicked) => {
                panicked.take().expect("a guarded call was polled after it was over")
            }
        };
        Poll::Ready(Err(Error::Panicked(panicked)))
    }
}

#[pinned_drop]
impl<Fut> PinnedDrop for PanicGuardFuture<'_, Fut> {
    fn drop(self: Pin<&mut Self>) {
        if matches!(self.state, State::Running(_)) {
            self.drop_call();
        }
    }
}

impl<Fut> fmt::Debug for PanicGuardFuture<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PanicGuardFuture")
            .field("guard", &self.guard.name())
            .field("running", &matches!(self.state, State::Running(_)))
            .finish_non_exhaustive()
    }
}
