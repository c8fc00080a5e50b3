//! What answers in the operation's place: a list, asked in order.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use seawall_core::{Class, Error};

use super::Fallback;
use super::answer::Shape;
use crate::permits::{Permit, Permits};

/// One link of a chain of fallbacks. Where it declines, fails or panics, the next is asked.
pub(super) enum Link<T, E> {
    /// Answers at once.
    Now(OfError<E, Option<T>>),
    /// Starts a future that answers later.
    Later(OfError<E, Boxed<T>>),
    /// Answers with the last success.
    LastGood,
}

impl<T, E> Clone for Link<T, E> {
    fn clone(&self) -> Self {
        match self {
            Self::Now(answer) => Self::Now(Arc::clone(answer)),
            Self::Later(start) => Self::Later(Arc::clone(start)),
            Self::LastGood => Self::LastGood,
        }
    }
}

/// A function of the error.
type OfError<E, R> = Arc<dyn Fn(&Error<E>) -> R + Send + Sync>;

type Boxed<T> = Pin<Box<dyn Substitute<T> + Send>>;

/// A future that answers unless it fails.
pub(super) trait Substitute<T> {
    fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>>;
}

impl<Fut, T, X> Substitute<T> for Fut
where
    Fut: Future<Output = Result<T, X>>,
{
    fn poll_answer(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.poll(cx).map(Result::ok)
    }
}

/// A failed call for which answers are asked, one link after the other.
pub(super) struct Asking<'p, T, E> {
    error: Error<E>,
    class: Class,
    links: std::slice::Iter<'p, Link<T, E>>,
    started: Option<Started<'p, T, E>>,
    permit: Permit<&'p Permits>,
    fallback: &'p Fallback<T, E>,
}

/// A future that answers, started. Its panics are reported and go no further.
struct Started<'p, T, E> {
    future: Option<Boxed<T>>,
    fallback: &'p Fallback<T, E>,
}

impl<'p, T, E> Asking<'p, T, E> {
    /// Starts to ask for answers, or gives `error` back where it stands.
    pub(super) fn begin(fallback: &'p Fallback<T, E>, error: Error<E>) -> Result<Self, Error<E>> {
        let class = error.class();
        if !fallback.covers(class) {
            return Err(error);
        }
        let Some(permit) = Permits::try_acquire(&fallback.shared.permits) else {
            fallback.report_refused();
            return Err(error);
        };
        let links = fallback.shared.chain.iter();
        Ok(Self { error, class, links, started: None, permit, fallback })
    }

    /// Asks until a link answers, or none is left.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        loop {
            if let Some(started) = &mut self.started {
                let Poll::Ready(answer) = started.poll(cx) else { return Poll::Pending };
                self.started = None;
                if answer.is_some() {
                    return Poll::Ready(answer);
                }
            }
            let Some(link) = self.links.next() else { return Poll::Ready(None) };
            let fallback = self.fallback;
            match link {
                Link::Now(answer) => {
                    let answer = fallback.contained(|| answer(&self.error)).flatten();
                    if answer.is_some() {
                        return Poll::Ready(answer);
                    }
                }
                Link::LastGood => {
                    let memory = fallback.shared.memory.as_ref();
                    let answer = fallback.contained(|| memory?.recall()).flatten();
                    if answer.is_some() {
                        return Poll::Ready(answer);
                    }
                }
                Link::Later(start) => {
                    let future = fallback.contained(|| start(&self.error));
                    self.started = Some(Started { future, fallback });
                }
            }
        }
    }

    /// Ends with `answer`, or with the first error where there is none. The permit is free before
    /// listeners hear of it.
    pub(super) fn end<A: Shape<T, E>>(self, answer: Option<T>) -> Result<A, Error<E>> {
        let Self { error, class, permit, fallback, .. } = self;
        drop(permit);
        let Some(answer) = answer else {
            fallback.report_failed(class);
            return Err(error);
        };
        fallback.report_degraded(class);
        Ok(A::instead(answer, error, fallback))
    }
}

impl<T, E> Started<'_, T, E> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(future) = &mut self.future else { return Poll::Ready(None) };
        self.fallback.contained(|| future.as_mut().poll_answer(cx)).unwrap_or(Poll::Ready(None))
    }
}

impl<T, E> Drop for Started<'_, T, E> {
    fn drop(&mut self) {
        self.fallback.contained(|| self.future = None);
    }
}
