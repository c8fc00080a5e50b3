//! The layer that counts calls or attempts.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project::pin_project;
use seawall::policy::Chain;
use seawall::{Attempt, Call, Description, Error, Operation, Pipeline, Policy};
use tokio::time::Instant;

use super::cell::{Cell, Outcome};

/// Counts what passes through it, by outcome and time: calls where it is the outermost layer of a
/// pipeline, attempts where it is the innermost.
///
/// Made by [`Metrics::calls`](super::Metrics::calls) and [`Metrics::attempts`](super::Metrics::attempts);
/// [`Metrics::measure`](super::Metrics::measure) puts both in their places. It changes nothing about
/// a call, allocates nothing and takes no lock.
///
/// | a future | counts as |
/// |---|---|
/// | that has an outcome | that [`Outcome`] |
/// | that is dropped before | abandoned |
/// | that panics while it is started or polled | panicked |
///
/// Each call counts once.
#[derive(Clone)]
pub struct Measured {
    pub(super) cell: Arc<Cell>,
}

/// A pipeline whose calls and attempts are counted.
pub type MeasuredPipeline<P, C = seawall::AllTransient> =
    Pipeline<Chain<Measured, Chain<P, Measured>>, C>;

impl Policy for Measured {
    type Wrapped<'p, Op> = MeasuredCall<'p, Op>;

    fn wrap<Op>(&self, op: Op) -> MeasuredCall<'_, Op> {
        MeasuredCall { cell: &self.cell, op }
    }

    /// It decides nothing about a call, so it is no line of the description.
    fn describe(&self, inner: Description) -> Description {
        inner
    }
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measured")
            .field("succeeded", &self.cell.total(Outcome::Success))
            .finish_non_exhaustive()
    }
}

/// An operation with [`Measured`] around it.
pub struct MeasuredCall<'p, Op> {
    cell: &'p Cell,
    op: Op,
}

impl<'p, Op: Call> Call for MeasuredCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = MeasuredFuture<'p, Op::Future>;

    #[inline]
    fn start(self, mut attempt: Attempt) -> Self::Future {
        let mut watch = Watch::new(self.cell, attempt.began());
        let future = self.op.start(attempt);
        watch.stage = Stage::Waiting;
        MeasuredFuture { future, watch }
    }
}

impl<'p, Op: Operation> Operation for MeasuredCall<'p, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = MeasuredFuture<'p, Op::Future>;

    #[inline]
    fn attempt(&mut self, mut attempt: Attempt) -> Self::Future {
        let mut watch = Watch::new(self.cell, attempt.began());
        let future = self.op.attempt(attempt);
        watch.stage = Stage::Waiting;
        MeasuredFuture { future, watch }
    }

    fn is_repeatable(&self) -> bool {
        self.op.is_repeatable()
    }
}

/// A call with [`Measured`] around it.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct MeasuredFuture<'p, Fut> {
    #[pin]
    future: Fut,
    // Dropped after the future: a call that is abandoned is counted once it is gone.
    watch: Watch<'p>,
}

impl<Fut, T, E> Future for MeasuredFuture<'_, Fut>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Fut::Output;

    #[expect(clippy::inline_always, reason = "a future that is returned whole is copied otherwise")]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        this.watch.stage = Stage::Running;
        match this.future.poll(cx) {
            Poll::Pending => {
                this.watch.stage = Stage::Waiting;
                Poll::Pending
            }
            Poll::Ready(Ok(output)) => {
                this.watch.succeeded();
                Poll::Ready(Ok(output))
            }
            Poll::Ready(Err(error)) => {
                this.watch.failed(Outcome::of(&error));
                Poll::Ready(Err(error))
            }
        }
    }
}

/// Counts a call once, however it ends.
struct Watch<'p> {
    cell: &'p Cell,
    began: u64,
    stage: Stage,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Its code runs: dropped now, it panicked.
    Running,
    /// It waits to be polled: dropped now, it is abandoned.
    Waiting,
    Counted,
}

impl<'p> Watch<'p> {
    #[inline]
    fn new(cell: &'p Cell, began: Instant) -> Self {
        Self { cell, began: cell.at(began), stage: Stage::Running }
    }

    #[inline]
    fn succeeded(&mut self) {
        self.stage = Stage::Counted;
        self.cell.succeeded(self.began);
    }

    #[cold]
    fn failed(&mut self, outcome: Outcome) {
        self.stage = Stage::Counted;
        self.cell.ended(outcome, self.began);
    }
}

impl Drop for Watch<'_> {
    #[inline]
    fn drop(&mut self) {
        match self.stage {
            Stage::Counted => {}
            Stage::Running => self.failed(Outcome::Panicked),
            Stage::Waiting => self.failed(Outcome::Abandoned),
        }
    }
}

impl<Op> fmt::Debug for MeasuredCall<'_, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeasuredCall").finish_non_exhaustive()
    }
}

impl<Fut> fmt::Debug for MeasuredFuture<'_, Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MeasuredFuture").finish_non_exhaustive()
    }
}
