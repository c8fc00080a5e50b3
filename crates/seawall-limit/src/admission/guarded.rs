use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use seawall_core::{AllTransient, Attempt, Classify, Error};

use super::{Admission, Limit, Settle};

/// A future behind a limit that stands alone: `limit.call(future)`.
///
/// It asks for admission when it is first polled. What it wraps stays where it is, so limiting it
/// moves nothing.
///
/// # Cancel safety
///
/// Dropped while it waits, it gives up its place; dropped while it runs, it gives its permit back.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct Guarded<'p, L: Limit, Fut> {
    // Before the permit: what is inside ends before its permit goes to the next.
    #[pin]
    future: Fut,
    held: Held<L::Permit<'p>, L::Wait<'p>>,
    stage: Stage,
    limit: &'p L,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Unasked,
    UnderWay,
    Over,
}

/// What a call that was not over at the first poll holds.
enum Held<P, W> {
    Nothing,
    Place(W),
    Permit(P),
}

impl<'p, L: Limit, Fut> Guarded<'p, L, Fut> {
    #[inline]
    pub(crate) const fn new(limit: &'p L, future: Fut) -> Self {
        Self { future, held: Held::Nothing, stage: Stage::Unasked, limit }
    }
}

impl<L: Limit, Fut, T, E> Future for Guarded<'_, L, Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Unasked = self.stage
            && let Some(permit) = self.limit.admit_at_once(&mut Attempt::first())
        {
            return self.run(permit, cx);
        }
        self.poll_late(cx)
    }
}

impl<'p, L: Limit, Fut, T, E> Guarded<'p, L, Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    /// Polls what was admitted. The permit is held here meanwhile, so that a panic gives it back.
    #[inline]
    fn run(
        self: Pin<&mut Self>,
        permit: L::Permit<'p>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, Error<E>>> {
        let this = self.project();
        *this.stage = Stage::Over;
        match this.future.poll(cx) {
            Poll::Ready(Ok(output)) => {
                permit.succeeded();
                Poll::Ready(Ok(output))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(failed(permit, error))),
            Poll::Pending => {
                *this.stage = Stage::UnderWay;
                *this.held = Held::Permit(permit);
                Poll::Pending
            }
        }
    }

    /// Everything but the first poll of what is let in at once.
    #[inline(never)]
    fn poll_late(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        let this = self.as_mut().project();
        let held = mem::replace(this.held, Held::Nothing);
        let stage = mem::replace(this.stage, Stage::Over);
        let mut wait = match (stage, held) {
            (Stage::UnderWay, Held::Permit(permit)) => return self.run(permit, cx),
            (Stage::UnderWay, Held::Place(wait)) => wait,
            (Stage::Unasked, _) => match this.limit.admit(&mut Attempt::first()) {
                Admission::Granted(permit) => return self.run(permit, cx),
                Admission::Refused(rejection) => return Poll::Ready(Err(rejection.into())),
                Admission::Waiting(wait) => wait,
            },
            _ => panic!("a call was polled after it was over"),
        };
        if let Poll::Ready(admitted) = Pin::new(&mut wait).poll(cx) {
            return self.run(admitted?, cx);
        }
        *this.stage = Stage::UnderWay;
        *this.held = Held::Place(wait);
        Poll::Pending
    }
}

#[cold]
fn failed<P: Settle, E>(permit: P, error: E) -> Error<E> {
    let class = AllTransient.classify(&error);
    let error = Error::operation_failed(error, class);
    permit.failed(&error);
    error
}

impl<L: Limit, Fut> fmt::Debug for Guarded<'_, L, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guarded").field("stage", &self.stage).finish_non_exhaustive()
    }
}
