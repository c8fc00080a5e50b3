//! What both layers are: they let the call run, and look at its failure.

use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{Attempt, Call, Error, Operation};

/// Looks at failures. Implemented by [`CaptureFailures`](super::CaptureFailures) and
/// [`NoteAttempts`](super::NoteAttempts), and by nothing else.
pub trait Watch: sealed::Sealed {
    /// Runs one step of the call.
    fn during<R>(&self, step: impl FnOnce() -> R) -> R {
        step()
    }

    /// The call failed with `error`.
    fn failed<E: StdError + 'static>(&self, error: &Error<E>);
}

mod sealed {
    pub trait Sealed {}

    impl Sealed for crate::join::CaptureFailures {}
    impl Sealed for crate::join::NoteAttempts {}
}

/// An operation whose failures are looked at.
#[derive(Clone, Debug)]
pub struct WatchedCall<'p, W, Op> {
    op: Op,
    watch: &'p W,
}

impl<'p, W, Op> WatchedCall<'p, W, Op> {
    pub(super) const fn new(op: Op, watch: &'p W) -> Self {
        Self { op, watch }
    }
}

impl<'p, W, Op> Call for WatchedCall<'p, W, Op>
where
    W: Watch,
    Op: Call,
    Op::Error: StdError + 'static,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = WatchedFuture<'p, W, Op::Future>;

    fn start(self, attempt: Attempt) -> Self::Future {
        let Self { op, watch } = self;
        WatchedFuture { future: watch.during(|| op.start(attempt)), watch }
    }
}

impl<'p, W, Op> Operation for WatchedCall<'p, W, Op>
where
    W: Watch,
    Op: Operation,
    Op::Error: StdError + 'static,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = WatchedFuture<'p, W, Op::Future>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        let op = &mut self.op;
        WatchedFuture { future: self.watch.during(|| op.attempt(attempt)), watch: self.watch }
    }

    fn is_repeatable(&self) -> bool {
        self.op.is_repeatable()
    }
}

/// The future of a [`WatchedCall`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct WatchedFuture<'p, W, Fut> {
    #[pin]
    future: Fut,
    watch: &'p W,
}

impl<W, Fut, T, E> Future for WatchedFuture<'_, W, Fut>
where
    W: Watch,
    Fut: Future<Output = Result<T, Error<E>>>,
    E: StdError + 'static,
{
    type Output = Result<T, Error<E>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = ready!(this.watch.during(|| this.future.poll(cx)));
        if let Err(error) = &outcome {
            this.watch.failed(error);
        }
        Poll::Ready(outcome)
    }
}
