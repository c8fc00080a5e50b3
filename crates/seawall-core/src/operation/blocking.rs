//! Operations that block their thread.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use super::Classed;
use crate::{AllTransient, Attempt, Call, Classify, Error, Operation};

/// A closure that blocks its thread, once for each attempt.
pub trait BlockingFn {
    /// The result of an attempt that succeeds.
    type Output;
    /// The operation's own error.
    type Error;

    /// Carries out `attempt`.
    fn run(&mut self, attempt: Attempt) -> Result<Self::Output, Self::Error>;
}

/// A [`BlockingFn`] made from a closure that takes nothing: `|| std::fs::read(path)`.
#[derive(Clone, Copy, Debug)]
pub struct Plain<F>(pub F);

/// A [`BlockingFn`] made from a closure that takes its attempt.
#[derive(Clone, Copy, Debug)]
pub struct OfAttempt<F>(pub F);

impl<F: FnMut() -> Result<T, E>, T, E> BlockingFn for Plain<F> {
    type Output = T;
    type Error = E;

    fn run(&mut self, _: Attempt) -> Result<T, E> {
        (self.0)()
    }
}

impl<F: FnMut(Attempt) -> Result<T, E>, T, E> BlockingFn for OfAttempt<F> {
    type Output = T;
    type Error = E;

    fn run(&mut self, attempt: Attempt) -> Result<T, E> {
        (self.0)(attempt)
    }
}

/// An operation made from a closure that blocks its thread.
#[derive(Debug)]
pub struct FromBlockingFn<'c, F, C: ?Sized = AllTransient> {
    // An attempt is under way while the operation waits to be started again, and has the closure then.
    run: Rc<RefCell<F>>,
    classifier: &'c C,
}

impl<'c, F, C: ?Sized> FromBlockingFn<'c, F, C> {
    /// An operation that runs `run` for each attempt and classes its outcomes by `classifier`.
    pub fn new(run: F, classifier: &'c C) -> Self {
        Self { run: Rc::new(RefCell::new(run)), classifier }
    }
}

impl<'c, F, C> Operation for FromBlockingFn<'c, F, C>
where
    F: BlockingFn,
    C: Classify<F::Output, F::Error> + ?Sized,
{
    type Output = F::Output;
    type Error = C::Failure;
    type Future = BlockingAttempt<'c, F, C>;

    fn attempt(&mut self, attempt: Attempt) -> Self::Future {
        let (run, classifier) = (Rc::clone(&self.run), self.classifier);
        BlockingAttempt { run, classifier, attempt, announced: false }
    }
}

impl<'c, F, C> Call for FromBlockingFn<'c, F, C>
where
    F: BlockingFn,
    C: Classify<F::Output, F::Error> + ?Sized,
{
    type Output = F::Output;
    type Error = C::Failure;
    type Future = BlockingAttempt<'c, F, C>;

    fn start(mut self, attempt: Attempt) -> Self::Future {
        self.attempt(attempt)
    }
}

impl<F: BlockingFn, C: ?Sized> Classed for FromBlockingFn<'_, F, C> {
    type Answer = F::Output;
    type Error = F::Error;
}

/// An attempt that blocks its thread.
///
/// Pending at the first poll, and at its end at the next: so the policies see a call that takes time,
/// read their clocks, and count it as in flight.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct BlockingAttempt<'c, F, C: ?Sized> {
    run: Rc<RefCell<F>>,
    classifier: &'c C,
    attempt: Attempt,
    announced: bool,
}

impl<F, C> Future for BlockingAttempt<'_, F, C>
where
    F: BlockingFn,
    C: Classify<F::Output, F::Error> + ?Sized,
{
    type Output = Result<F::Output, Error<C::Failure>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.announced {
            self.announced = true;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let outcome = self.run.borrow_mut().run(self.attempt);
        Poll::Ready(self.classifier.sort(outcome))
    }
}
