//! Calls and operations: a [`Call`] is started once, an [`Operation`] again and again. Adapters make
//! them from closures and futures.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;

use crate::{AllTransient, Attempt, Classify, Error};

pub use blocking::{BlockingAttempt, BlockingFn, FromBlockingFn, OfAttempt, Plain};
pub use lazy::{Lazy, WithAttempt, WithDeadline, WithIdempotent};

mod blocking;
mod lazy;

/// Can be started once.
///
/// `start` is where a policy decides whether to admit the call, so it may run the caller's code
/// and may panic if that does. It is called right before the future is first polled.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be called",
    label = "not something a pipeline can call",
    note = "pass a closure that makes a future of a `Result`: `|| async {{ Ok::<_, MyError>(..) }}`",
    note = "a policy that repeats (retry, hedge) must wrap something that can be started again: \
            not a future, and not another policy that repeats"
)]
pub trait Call {
    /// The result of a call that succeeds.
    type Output;
    /// What policies see as the operation's error.
    type Error;
    /// The call under way.
    type Future: Future<Output = Result<Self::Output, Error<Self::Error>>>;

    /// Starts the call.
    fn start(self, attempt: Attempt) -> Self::Future;
}

/// Can be started again and again.
///
/// Policies that start what they wrap once (timeout, breaker, panic guard) are an `Operation`
/// around an `Operation`. Those that repeat (retry, hedge) are not, so a retry around a retry,
/// which would multiply attempts, does not compile.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be started again, but the policy around it repeats what it wraps",
    label = "can be started only once",
    note = "give a retry or hedge a closure that makes a future each time: `|| async {{ .. }}`",
    note = "with `PolicyExt` in scope, a handle behind an `Arc` takes a future: clone the handle, or \
            call `(*retry).call(..)`",
    note = "a retry around a retry multiplies attempts; if you mean it, make the inner pipeline \
            call the operation's body"
)]
pub trait Operation {
    /// The result of an attempt that succeeds.
    type Output;
    /// What policies see as the operation's error.
    type Error;
    /// The attempt under way.
    type Future: Future<Output = Result<Self::Output, Error<Self::Error>>>;

    /// Starts an attempt.
    fn attempt(&mut self, attempt: Attempt) -> Self::Future;

    /// Whether another attempt can be started. A policy that repeats asks before each one but the
    /// first, and gives up with [`StopReason::NotRepeatable`](crate::StopReason::NotRepeatable)
    /// where it can't: the body of a request that was sent in part, for instance, can't be sent
    /// again.
    fn is_repeatable(&self) -> bool {
        true
    }
}

/// An operation whose outcomes are classed where they leave it.
///
/// The outermost step of a call, [`PolicyCall`](crate::PolicyCall), reads here what the caller gets:
/// policies in between may see another error, [`Classify::Failure`].
pub trait Classed {
    /// The operation's own result.
    type Answer;
    /// The operation's own error.
    type Error;
}

/// An operation made from a closure that takes nothing: `|| async { .. }`.
#[derive(Debug)]
pub struct FromFn<'c, F, C: ?Sized = AllTransient> {
    make: F,
    classifier: &'c C,
}

/// An operation made from a closure that takes its attempt: `|attempt| async { .. }`.
#[derive(Debug)]
pub struct FromAttemptFn<'c, F, C: ?Sized = AllTransient> {
    make: F,
    classifier: &'c C,
}

/// A call made from a future. It can be started only once.
#[derive(Debug)]
pub struct FromFuture<'c, Fut, C: ?Sized = AllTransient> {
    future: Fut,
    classifier: &'c C,
}

impl<F: Clone, C: ?Sized> Clone for FromFn<'_, F, C> {
    fn clone(&self) -> Self {
        Self { make: self.make.clone(), classifier: self.classifier }
    }
}

impl<F: Clone, C: ?Sized> Clone for FromAttemptFn<'_, F, C> {
    fn clone(&self) -> Self {
        Self { make: self.make.clone(), classifier: self.classifier }
    }
}

impl<'c, F, C: ?Sized> FromFn<'c, F, C> {
    /// An operation that calls `make` for each attempt and classes its outcomes by `classifier`.
    pub fn new(make: F, classifier: &'c C) -> Self {
        Self { make, classifier }
    }
}

impl<'c, F, C: ?Sized> FromAttemptFn<'c, F, C> {
    /// An operation that calls `make` for each attempt and classes its outcomes by `classifier`.
    pub fn new(make: F, classifier: &'c C) -> Self {
        Self { make, classifier }
    }
}

impl<'c, Fut, C: ?Sized> FromFuture<'c, Fut, C> {
    /// A call of `future` that classes its outcome by `classifier`.
    pub fn new(future: Fut, classifier: &'c C) -> Self {
        Self { future, classifier }
    }
}

impl<'c, F, Fut, T, E, C> Call for FromFn<'c, F, C>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    C: Classify<T, E> + ?Sized,
{
    type Output = T;
    type Error = C::Failure;
    type Future = OperationFuture<'c, Fut, C>;

    fn start(self, _: Attempt) -> Self::Future {
        OperationFuture { future: (self.make)(), classifier: self.classifier }
    }
}

impl<'c, F, Fut, T, E, C> Operation for FromFn<'c, F, C>
where
    F: FnMut() -> Fut,
    Fut: Future<Output = Result<T, E>>,
    C: Classify<T, E> + ?Sized,
{
    type Output = T;
    type Error = C::Failure;
    type Future = OperationFuture<'c, Fut, C>;

    fn attempt(&mut self, _: Attempt) -> Self::Future {
        OperationFuture { future: (self.make)(), classifier: self.classifier }
    }
}

impl<'c, F, Fut, T, E, C> Call for FromAttemptFn<'c, F, C>
where
    F: FnOnce(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    C: Classify<T, E> + ?Sized,
{
    type Output = T;
    type Error = C::Failure;
    type Future = OperationFuture<'c, Fut, C>;

    fn start(self, attempt: Attempt) -> Self::Future {
        OperationFuture { future: (self.make)(attempt), classifier: self.classifier }
    }
}

impl<'c, F, Fut, T, E, C> Operation for FromAttemptFn<'c, F, C>
where
    F: FnMut(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
    C: Classify<T, E> + ?Sized,
{
    type Output = T;
    type Error = C::Failure;
    type Future = OperationFuture<'c, Fut, C>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        OperationFuture { future: (self.make)(attempt), classifier: self.classifier }
    }
}

impl<'c, Fut, T, E, C> Call for FromFuture<'c, Fut, C>
where
    Fut: Future<Output = Result<T, E>>,
    C: Classify<T, E> + ?Sized,
{
    type Output = T;
    type Error = C::Failure;
    type Future = OperationFuture<'c, Fut, C>;

    fn start(self, _: Attempt) -> Self::Future {
        OperationFuture { future: self.future, classifier: self.classifier }
    }
}

impl<F, Fut, T, E, C: ?Sized> Classed for FromFn<'_, F, C>
where
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Answer = T;
    type Error = E;
}

impl<F, Fut, T, E, C: ?Sized> Classed for FromAttemptFn<'_, F, C>
where
    F: FnOnce(Attempt) -> Fut,
    Fut: Future<Output = Result<T, E>>,
{
    type Answer = T;
    type Error = E;
}

impl<Fut, T, E, C: ?Sized> Classed for FromFuture<'_, Fut, C>
where
    Fut: Future<Output = Result<T, E>>,
{
    type Answer = T;
    type Error = E;
}

/// An attempt of the caller's own operation. Its outcome is classed here, and nowhere else.
#[pin_project]
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct OperationFuture<'c, Fut, C: ?Sized> {
    #[pin]
    future: Fut,
    classifier: &'c C,
}

impl<Fut, T, E, C> Future for OperationFuture<'_, Fut, C>
where
    Fut: Future<Output = Result<T, E>>,
    C: Classify<T, E> + ?Sized,
{
    type Output = Result<T, Error<C::Failure>>;

    #[expect(
        clippy::inline_always,
        reason = "a future that waits is polled twice; out of line each poll costs 20 instructions"
    )]
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        // An arm each: a small output then stays in registers, where a whole `Result` is copied.
        match ready!(this.future.poll(cx)) {
            Ok(output) => Poll::Ready(this.classifier.sort(Ok(output))),
            Err(error) => Poll::Ready(this.classifier.sort(Err(error))),
        }
    }
}
