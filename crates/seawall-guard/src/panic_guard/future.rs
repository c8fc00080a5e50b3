//! A call whose panics are caught.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};
use seawall_core::{Caught, Error, Panicked, catch};

use super::PanicGuard;

/// A call with a [`PanicGuard`] around it.
///
/// After a panic the call is dropped before the error is returned, and never polled again.
#[pin_project(PinnedDrop)]
#[must_use = "futures do nothing unless polled"]
pub struct PanicGuardFuture<'p, Fut> {
    #[pin]
    state: State<Fut>,
    guard: &'p PanicGuard,
}

#[pin_project(project = StateProjection, project_replace = StateOwned)]
enum State<Fut> {
    Running(#[pin] Fut),
    /// Over; with what is still to be told, where creating the call panicked. One variant rather
    /// than two, so that the tag fits into what the call leaves free.
    Over(Option<Box<Panicked>>),
}

impl<'p, Fut> PanicGuardFuture<'p, Fut> {
    #[inline]
    pub(super) fn new(guard: &'p PanicGuard, created: Result<Fut, Caught>) -> Self {
        let state = match created {
            Ok(call) => State::Running(call),
            Err(caught) => State::Over(Some(guard.panicked(caught))),
        };
        Self { state, guard }
    }
}

impl<Fut, T, E> Future for PanicGuardFuture<'_, Fut>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[expect(clippy::inline_always, reason = "30 instructions a call, by count")]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        // No function is given the state, nor success and failure in one: so both stay in
        // registers.
        let run = match this.state.as_mut().project() {
            StateProjection::Running(call) => catch(|| call.poll(cx)),
            StateProjection::Over(_) => {
                return match this.state.project_replace(State::Over(None)) {
                    StateOwned::Over(Some(panicked)) => {
                        Poll::Ready(Err(Error::Panicked(panicked.into())))
                    }
                    _ => over(),
                };
            }
        };
        match run {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(Ok(output))) => {
                drop_call(this.guard, this.state);
                Poll::Ready(Ok(output))
            }
            Ok(Poll::Ready(Err(error))) => {
                drop_call(this.guard, this.state);
                Poll::Ready(Err(error))
            }
            Err(caught) => {
                let panicked = this.guard.panicked(caught);
                drop_call(this.guard, this.state);
                Poll::Ready(Err(Error::Panicked(panicked.into())))
            }
        }
    }
}

/// Drops the call. Its panic is reported, but the outcome stands: what was done was done.
#[inline]
fn drop_call<Fut>(guard: &PanicGuard, mut state: Pin<&mut State<Fut>>) {
    if let Err(caught) = catch(|| state.set(State::Over(None))) {
        guard.report(caught);
    }
}

#[cold]
fn over() -> ! {
    panic!("a guarded call was polled after it was over")
}

#[pinned_drop]
impl<Fut> PinnedDrop for PanicGuardFuture<'_, Fut> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        if matches!(self.state, State::Running(_)) {
            let this = self.project();
            drop_call(this.guard, this.state);
        }
    }
}

impl<Fut> std::fmt::Debug for PanicGuardFuture<'_, Fut> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PanicGuardFuture")
            .field("guard", &self.guard.name())
            .field("running", &matches!(self.state, State::Running(_)))
            .finish_non_exhaustive()
    }
}
