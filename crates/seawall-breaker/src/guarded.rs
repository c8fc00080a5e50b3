//! `breaker.call(future)`: the guarded call where the future is there already.

use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::{pin_project, pinned_drop};
use seawall_core::{Class, Error, Rejection};
use tokio::time::Instant;

use crate::permit::Permit;
use crate::shared::{Admitted, Shared};
use crate::waiting::{Entrance, Wait};

/// A future that a breaker guards: asked for admission when it is first polled.
///
/// The inner future stays where it is, so guarding it moves nothing. Dropped while under way, the
/// call counts as abandoned.
#[pin_project(PinnedDrop)]
#[must_use = "futures do nothing unless polled"]
pub struct Guarded<'b, Fut> {
    #[pin]
    future: Fut,
    breaker: &'b Shared,
    stage: Stage<'b>,
}

enum Stage<'b> {
    /// Not polled yet; or over at its first poll: then a second one, which must not be, asks again.
    Unasked,
    Over,
    Running(Admitted),
    /// Dropped by hand, together with what is running, so that dropping a future that did neither is
    /// one look at one word.
    Waiting(ManuallyDrop<Wait<'b>>),
}

impl<'b, Fut> Guarded<'b, Fut> {
    #[inline]
    pub(crate) fn new(breaker: &'b Shared, future: Fut) -> Self {
        Self { future, breaker, stage: Stage::Unasked }
    }
}

/// What an error of the operation means where no classifier is.
const FAILED: Class = Class::Transient;

impl<Fut, T, E> Future for Guarded<'_, Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    // Inlined is only what a call comes to under a circuit that is closed and wants to know no more.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Stage::Unasked = self.stage
            && let Some(admitted) = self.breaker.try_admit()
        {
            let this = self.project();
            let permit = Permit::new(this.breaker, admitted);
            return match this.future.poll(cx) {
                Poll::Ready(Ok(output)) => {
                    permit.success();
                    Poll::Ready(Ok(output))
                }
                other => permit.heed(this.stage, other),
            };
        }
        self.poll_in_full(cx)
    }
}

impl<Fut, T, E> Guarded<'_, Fut>
where
    Fut: Future<Output = Result<T, E>>,
{
    #[inline(never)]
    fn poll_in_full(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T, Error<E>>> {
        let this = self.project();
        let breaker = *this.breaker;
        let admitted = match std::mem::replace(this.stage, Stage::Over) {
            Stage::Unasked => match breaker.enter(Instant::now()) {
                Entrance::In(admitted) => Ok(admitted),
                Entrance::Out(rejection) => Err(rejection),
                Entrance::Wait(wait) => ready!(poll_wait(wait, this.stage, cx)),
            },
            Stage::Waiting(wait) => {
                ready!(poll_wait(ManuallyDrop::into_inner(wait), this.stage, cx))
            }
            Stage::Running(admitted) => Ok(admitted),
            Stage::Over => panic!("a guarded call was polled after it was over"),
        };
        // Held here while the future runs, so that its panic finds it.
        let permit = match admitted {
            Ok(admitted) => Permit::new(breaker, admitted),
            Err(rejection) => return Poll::Ready(Err(Error::Rejected(rejection))),
        };
        let outcome = this.future.poll(cx);
        permit.heed(this.stage, outcome)
    }
}

fn poll_wait<'b>(
    mut wait: Wait<'b>,
    stage: &mut Stage<'b>,
    cx: &mut Context<'_>,
) -> Poll<Result<Admitted, Rejection>> {
    let admitted = wait.as_mut().poll(cx);
    if admitted.is_pending() {
        *stage = Stage::Waiting(ManuallyDrop::new(wait));
    }
    admitted
}

impl Permit<'_> {
    fn heed<T, E>(
        self,
        stage: &mut Stage<'_>,
        outcome: Poll<Result<T, E>>,
    ) -> Poll<Result<T, Error<E>>> {
        match outcome {
            Poll::Ready(Ok(output)) => {
                self.success();
                Poll::Ready(Ok(output))
            }
            Poll::Ready(Err(error)) => {
                self.failure(FAILED);
                Poll::Ready(Err(Error::operation_failed(error, FAILED)))
            }
            Poll::Pending => {
                *stage = Stage::Running(self.keep());
                Poll::Pending
            }
        }
    }
}

#[pinned_drop]
impl<Fut> PinnedDrop for Guarded<'_, Fut> {
    #[inline]
    fn drop(self: Pin<&mut Self>) {
        if let Stage::Running(_) | Stage::Waiting(_) = &self.stage {
            let this = self.project();
            drop_early(this.breaker, this.stage);
        }
    }
}

#[cold]
#[inline(never)]
fn drop_early<'b>(breaker: &'b Shared, stage: &mut Stage<'b>) {
    match std::mem::replace(stage, Stage::Over) {
        Stage::Running(admitted) => breaker.abandon(admitted),
        Stage::Waiting(wait) => drop(ManuallyDrop::into_inner(wait)),
        Stage::Unasked | Stage::Over => {}
    }
}

impl<Fut> std::fmt::Debug for Guarded<'_, Fut> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.stage {
            Stage::Unasked => "Guarded::Unasked",
            Stage::Waiting(_) => "Guarded::Waiting",
            Stage::Running(_) => "Guarded::Running",
            Stage::Over => "Guarded::Over",
        })
    }
}
