//! A call that is answered for where it fails.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::Error;

use super::Fallback;
use super::answer::Shape;
use super::chain::Asking;

/// A call with a [`Fallback`] around it.
///
/// The call is dropped before the fallback begins.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct FallbackFuture<'p, T, E, Fut, A = T> {
    #[pin]
    state: State<'p, T, E, Fut>,
    fallback: &'p Fallback<T, E>,
    shape: PhantomData<fn() -> A>,
}

#[pin_project(project = StateProjection)]
enum State<'p, T, E, Fut> {
    Running(#[pin] Fut),
    /// The call failed. `None` once there is an outcome.
    Failed(Option<Asking<'p, T, E>>),
}

impl<'p, T, E, Fut, A> FallbackFuture<'p, T, E, Fut, A> {
    pub(super) fn new(fallback: &'p Fallback<T, E>, call: Fut) -> Self {
        Self { state: State::Running(call), fallback, shape: PhantomData }
    }

    #[cold]
    fn fall_back(
        self: Pin<&mut Self>,
        error: Error<E>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<A, Error<E>>>
    where
        A: Shape<T, E>,
    {
        let mut this = self.project();
        // What the call holds goes back before the fallback begins.
        this.state.set(State::Failed(None));
        let asking = Asking::begin(this.fallback, error)?;
        match this.state.project() {
            StateProjection::Failed(failed) => ask(asking, failed, cx),
            StateProjection::Running(_) => unreachable!("the call is over"),
        }
    }
}

/// Asks for an answer; kept in `failed` while that takes time.
fn ask<'p, T, E, A: Shape<T, E>>(
    mut asking: Asking<'p, T, E>,
    failed: &mut Option<Asking<'p, T, E>>,
    cx: &mut Context<'_>,
) -> Poll<Result<A, Error<E>>> {
    match asking.poll(cx) {
        Poll::Ready(answer) => Poll::Ready(asking.end(answer)),
        Poll::Pending => {
            *failed = Some(asking);
            Poll::Pending
        }
    }
}

impl<T, E, Fut, A> Future for FallbackFuture<'_, T, E, Fut, A>
where
    Fut: Future<Output = Result<T, Error<E>>>,
    A: Shape<T, E>,
{
    type Output = Result<A, Error<E>>;

    /// # Panics
    ///
    /// When polled after an outcome of the fallback.
    #[expect(clippy::inline_always, reason = "10 instructions a call, by count")]
    #[inline(always)]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.as_mut().project().state.project() {
            StateProjection::Running(call) => match ready!(call.poll(cx)) {
                Ok(output) => {
                    if let Some(memory) = &self.fallback.shared.memory {
                        self.fallback.contained(|| memory.remember(&output));
                    }
                    Poll::Ready(Ok(A::own(output)))
                }
                Err(error) => self.fall_back(error, cx),
            },
            StateProjection::Failed(failed) => {
                let asking = failed.take();
                ask(asking.expect("a call was polled after its fallback answered"), failed, cx)
            }
        }
    }
}

impl<T, E, Fut, A> fmt::Debug for FallbackFuture<'_, T, E, Fut, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FallbackFuture")
            .field("fallback", self.fallback.name())
            .field("running", &matches!(self.state, State::Running(_)))
            .finish_non_exhaustive()
    }
}
