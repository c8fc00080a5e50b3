//! Spans of calls and attempts.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::{pin_project, pinned_drop};
use seawall::policy::{Chain, contain};
use seawall::{Attempt, Call, Description, Error, Name, Operation, Pipeline, Policy};
use tracing::Span;
use tracing::field::Empty;

use crate::Outcome;

/// Makes a span for each call, or for each attempt, where a subscriber is interested in it.
///
/// | span | fields |
/// |---|---|
/// | `seawall.call` | `pipeline`, `outcome`; `error.type` where the call failed in the end |
/// | `seawall.attempt` | `pipeline`, `attempt`, `outcome`; `error.type` |
///
/// A call whose attempt failed and was healed by another is no failed call. A subscriber that panics
/// harms no call: its panic is contained, and the call goes on without a span.
#[derive(Clone, Debug)]
pub struct Traced {
    pipeline: Name,
    of_calls: bool,
}

/// A pipeline whose calls and attempts have spans.
pub type TracedPipeline<P, C = seawall::AllTransient> =
    Pipeline<Chain<Traced, Chain<P, Traced>>, C>;

/// `pipeline` with a span for each call and each attempt.
pub fn traced<P: Policy, C>(pipeline: Pipeline<P, C>) -> TracedPipeline<P, C> {
    let (calls, attempts) = (Traced::calls(pipeline.name()), Traced::attempts(pipeline.name()));
    pipeline.between(calls, attempts)
}

impl Traced {
    /// A layer for calls of `pipeline`: put it outermost.
    pub fn calls(pipeline: impl Into<Name>) -> Self {
        Self { pipeline: pipeline.into(), of_calls: true }
    }

    /// A layer for attempts of `pipeline`: put it innermost.
    pub fn attempts(pipeline: impl Into<Name>) -> Self {
        Self { pipeline: pipeline.into(), of_calls: false }
    }

    fn span(&self, attempt: &Attempt) -> Span {
        let pipeline = self.pipeline.as_str();
        let made = contain(|| {
            if self.of_calls {
                tracing::info_span!("seawall.call", pipeline, outcome = Empty, error.type = Empty)
            } else {
                let attempt = attempt.number();
                tracing::info_span!(
                    "seawall.attempt",
                    pipeline,
                    attempt,
                    outcome = Empty,
                    error.type = Empty
                )
            }
        });
        made.unwrap_or_else(|_| Span::none())
    }
}

impl Policy for Traced {
    type Wrapped<'p, Op> = TracedCall<'p, Op>;

    fn wrap<Op>(&self, op: Op) -> TracedCall<'_, Op> {
        TracedCall { traced: self, op }
    }

    /// It decides nothing about a call, so it is no line of the description.
    fn describe(&self, inner: Description) -> Description {
        inner
    }
}

/// An operation with [`Traced`] around it.
#[derive(Debug)]
pub struct TracedCall<'p, Op> {
    traced: &'p Traced,
    op: Op,
}

impl<Op: Call> Call for TracedCall<'_, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TracedFuture<Op::Future>;

    fn start(self, attempt: Attempt) -> Self::Future {
        let span = self.traced.span(&attempt);
        let future = within(&span, || self.op.start(attempt));
        TracedFuture { future, span, over: false }
    }
}

impl<Op: Operation> Operation for TracedCall<'_, Op> {
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = TracedFuture<Op::Future>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        let span = self.traced.span(&attempt);
        let future = within(&span, || self.op.attempt(attempt));
        TracedFuture { future, span, over: false }
    }

    fn is_repeatable(&self) -> bool {
        self.op.is_repeatable()
    }
}

/// Runs `work` inside of `span`, whose subscriber may panic.
fn within<R>(span: &Span, work: impl FnOnce() -> R) -> R {
    struct Exit<'s>(&'s Span);
    impl Drop for Exit<'_> {
        fn drop(&mut self) {
            let _ = contain(|| self.0.with_subscriber(|(id, dispatch)| dispatch.exit(id)));
        }
    }
    let _ = contain(|| span.with_subscriber(|(id, dispatch)| dispatch.enter(id)));
    let _exit = Exit(span);
    work()
}

/// A call with [`Traced`] around it.
#[pin_project(PinnedDrop)]
#[must_use = "futures do nothing unless polled"]
pub struct TracedFuture<Fut> {
    #[pin]
    future: Fut,
    span: Span,
    over: bool,
}

impl<Fut, T, E> Future for TracedFuture<Fut>
where
    Fut: Future<Output = Result<T, Error<E>>>,
{
    type Output = Fut::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if this.span.is_disabled() {
            return this.future.poll(cx);
        }
        let polled = within(this.span, || this.future.poll(cx));
        if let Poll::Ready(outcome) = &polled {
            *this.over = true;
            note(this.span, outcome.as_ref().err().map_or(Outcome::Success, Outcome::of));
        }
        polled
    }
}

#[pinned_drop]
impl<Fut> PinnedDrop for TracedFuture<Fut> {
    fn drop(self: Pin<&mut Self>) {
        if !self.over && !self.span.is_disabled() {
            note(&self.span, Outcome::Abandoned);
        }
    }
}

/// Writes down how it ended. `error.type` is the field that others look at for failures.
fn note(span: &Span, outcome: Outcome) {
    let _ = contain(|| {
        span.record("outcome", outcome.as_str());
        if !matches!(outcome, Outcome::Success | Outcome::Abandoned) {
            span.record("error.type", outcome.as_str());
        }
    });
}

impl<Fut> fmt::Debug for TracedFuture<Fut> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TracedFuture").field("span", &self.span).finish_non_exhaustive()
    }
}
