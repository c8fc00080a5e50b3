//! The innermost layer.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::class::Health;
use seawall_core::{
    Attempt, Call, ConfigError, Description, Error, Layer, LayerContext, Name, Operation, Policy,
    PolicyKind,
};

use super::top::Top;
use crate::Capture;

/// Notes what each attempt fails of, for the breaker of the same name: when that opens, the record
/// of it says not only how much failed, but what. Captures nothing.
///
/// It goes inside of the breaker and the retry, right around the operation. A success costs
/// nothing; a failure is fingerprinted, and counted among the [most
/// frequent](super::CaptureListener) since the breaker last opened.
#[derive(Clone, Debug)]
pub struct CaptureAttempts(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    capture: Capture,
    name: Name,
    top: Arc<Top>,
}

impl CaptureAttempts {
    pub(crate) fn new(capture: Capture, name: Name, top: Arc<Top>) -> Self {
        Self(Arc::new(Inner { capture, name, top }))
    }

    /// The name: that of the breaker.
    pub fn name(&self) -> &Name {
        &self.0.name
    }

    #[cold]
    fn failed<E: StdError + 'static>(&self, error: &Error<E>) {
        if error.class().health() == Health::Sick {
            let Inner { capture, top, .. } = &*self.0;
            capture.look_at(error, |record| top.count(record));
        }
    }
}

impl Policy for CaptureAttempts {
    type Wrapped<'p, Op> = AttemptsCall<'p, Op>;

    #[inline]
    fn wrap<Op>(&self, op: Op) -> AttemptsCall<'_, Op> {
        AttemptsCall { op, policy: self }
    }

    fn describe(&self, inner: Description) -> Description {
        inner.layer(PolicyKind::Capture, &self.0.name, "notes what attempts fail of")
    }
}

impl Layer for CaptureAttempts {
    type Policy = Self;

    fn into_policy(self, _: &LayerContext) -> Result<Self, ConfigError> {
        Ok(self)
    }
}

/// An operation whose failures are noted.
#[derive(Clone, Debug)]
pub struct AttemptsCall<'p, Op> {
    op: Op,
    policy: &'p CaptureAttempts,
}

impl<'p, Op> Call for AttemptsCall<'p, Op>
where
    Op: Call,
    Op::Error: StdError + 'static,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = AttemptsFuture<'p, Op::Future>;

    #[inline]
    fn start(self, attempt: Attempt) -> Self::Future {
        AttemptsFuture { future: self.op.start(attempt), policy: self.policy }
    }
}

impl<'p, Op> Operation for AttemptsCall<'p, Op>
where
    Op: Operation,
    Op::Error: StdError + 'static,
{
    type Output = Op::Output;
    type Error = Op::Error;
    type Future = AttemptsFuture<'p, Op::Future>;

    #[inline]
    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        AttemptsFuture { future: self.op.attempt(attempt), policy: self.policy }
    }
}

/// The future of an [`AttemptsCall`].
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct AttemptsFuture<'p, Fut> {
    #[pin]
    future: Fut,
    policy: &'p CaptureAttempts,
}

impl<Fut, T, E> Future for AttemptsFuture<'_, Fut>
where
    Fut: Future<Output = Result<T, Error<E>>>,
    E: StdError + 'static,
{
    type Output = Result<T, Error<E>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = ready!(this.future.poll(cx));
        if let Err(error) = &outcome {
            this.policy.failed(error);
        }
        Poll::Ready(outcome)
    }
}
