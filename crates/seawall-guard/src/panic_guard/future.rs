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
            Err(caught) => State::Over(Some(Box::new(guard.error(caught)))),
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
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let StateProjection::Running(_) = this.state.as_mut().project() else {
            // By value, not by a call that is given the state: what no call can reach stays in
            // registers.
            return match this.state.project_replace(State::Over(None)) {
                StateOwned::Over(Some(panicked)) => Poll::Ready(Err(Error::Panicked(panicked))),
                _ => over(),
            };
        };
        let mut outcome = Poll::Pending;
        let run = catch(|| {
            if let StateProjection::Running(call) = this.state.as_mut().project() {
                outcome = call.poll(cx);
                if outcome.is_ready() {
                    this.state.set(State::Over(None));
                }
            }
        });
        match run {
            Ok(()) => outcome,
            Err(caught) => after_panic(this.guard, this.state, outcome, caught),
        }
    }
}

/// A panic of the poll is the outcome. A panic of the drop that followed an outcome is reported,
/// but the outcome stands: what was done was done.
#[cold]
fn after_panic<Fut, T, E>(
    guard: &PanicGuard,
    state: Pin<&mut State<Fut>>,
    outcome: Poll<Result<T, Error<E>>>,
    caught: Caught,
) -> Poll<Result<T, Error<E>>> {
    if outcome.is_ready() {
        guard.report(caught);
        return outcome;
    }
    let error = guard.error(caught);
    drop_call(guard, state);
    Poll::Ready(Err(Error::Panicked(Box::new(error))))
}

#[cold]
fn over() -> ! {
    panic!("a guarded call was polled after it was over")
}

fn drop_call<Fut>(guard: &PanicGuard, mut state: Pin<&mut State<Fut>>) {
    if let Err(caught) = catch(|| state.set(State::Over(None))) {
        guard.report(caught);
    }
}

#[pinned_drop]
impl<Fut> PinnedDrop for PanicGuardFuture<'_, Fut> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        let this = self.project();
        if matches!(*this.state, State::Running(_)) {
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
