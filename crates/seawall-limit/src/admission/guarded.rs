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
    stage: Stage<L::Permit<'p>, L::Wait<'p>>,
    limit: &'p L,
}

enum Stage<P, W> {
    Unasked,
    Waiting(W),
    Running(P),
    Over,
}

impl<'p, L: Limit, Fut> Guarded<'p, L, Fut> {
    #[inline]
    pub(crate) const fn new(limit: &'p L, future: Fut) -> Self {
        Self { future, stage: Stage::Unasked, limit }
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
        if let Stage::Unasked = self.stage {
            return match self.limit.admit(&mut Attempt::first()) {
                Admission::Granted(permit) => self.run(permit, cx),
                other => self.not_at_once(other, cx),
            };
        }
        self.poll_again(cx)
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
                let outcome = Ok(output);
                permit.settle(&outcome);
                Poll::Ready(outcome)
            }
            Poll::Ready(Err(error)) => Poll::Ready(failed(permit, error)),
            Poll::Pending => {
                *this.stage = Stage::Running(permit);
                Poll::Pending
            }
        }
    }

    // What follows is apart from the first poll of what is let in at once, so that what is inlined
    // everywhere is small.

    #[cold]
    fn not_at_once(
        self: Pin<&mut Self>,
        admission: Admission<L::Permit<'p>, L::Wait<'p>>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, Error<E>>> {
        match admission {
            Admission::Granted(permit) => self.run(permit, cx),
            Admission::Waiting(wait) => self.wait(wait, cx),
            Admission::Refused(rejection) => {
                *self.project().stage = Stage::Over;
                Poll::Ready(Err(rejection.into()))
            }
        }
    }

    #[inline(never)]
    fn poll_again(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        match mem::replace(self.as_mut().project().stage, Stage::Over) {
            Stage::Running(permit) => self.run(permit, cx),
            Stage::Waiting(wait) => self.wait(wait, cx),
            _ => panic!("a call was polled after it was over"),
        }
    }

    fn wait(
        self: Pin<&mut Self>,
        mut wait: L::Wait<'p>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<T, Error<E>>> {
        match Pin::new(&mut wait).poll(cx) {
            Poll::Ready(Ok(permit)) => self.run(permit, cx),
            Poll::Ready(Err(rejection)) => {
                *self.project().stage = Stage::Over;
                Poll::Ready(Err(rejection.into()))
            }
            Poll::Pending => {
                *self.project().stage = Stage::Waiting(wait);
                Poll::Pending
            }
        }
    }
}

#[cold]
fn failed<P: Settle, T, E>(permit: P, error: E) -> Result<T, Error<E>> {
    let class = AllTransient.classify(&error);
    let outcome = Err(Error::operation_failed(error, class));
    permit.settle(&outcome);
    outcome
}

impl<L: Limit, Fut> fmt::Debug for Guarded<'_, L, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Unasked => "Guarded::Unasked",
            Stage::Waiting(_) => "Guarded::Waiting",
            Stage::Running(_) => "Guarded::Running",
            Stage::Over => "Guarded::Over",
        })
    }
}
