//! A call that is answered for where it fails.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{Class, Error, contain};

use super::policy::Shared;
use super::{Begun, Fallback, Substitute, event};
use crate::places::{Place, Places};

/// A call with a [`Fallback`] around it.
///
/// The call is dropped before the fallback begins.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct FallbackFuture<'p, S, Fut, A, E> {
    #[pin]
    state: State<'p, Fut, A, E>,
    fallback: &'p Fallback<S>,
}

#[pin_project(project = StateProjection, project_replace = StateOwned)]
enum State<'p, Fut, A, E> {
    Running(#[pin] Fut),
    /// The call is over; a fallback may be under way. Boxed, and moved in and out of calls instead
    /// of lent to them: what no call can reach stays in registers while nothing fails.
    Over(Option<Pin<Box<Answering<'p, A, E>>>>),
}

/// A fallback under way.
#[pin_project]
struct Answering<'p, A, E> {
    #[pin]
    answer: A,
    /// Taken while the answer is polled.
    error: Option<Error<E>>,
    _place: Place<&'p Places>,
}

/// What a step of a fallback came to.
enum Step<'p, T, A, E> {
    Over(Result<T, Error<E>>),
    Pending(Pin<Box<Answering<'p, A, E>>>),
}

impl<'p, S, Fut, A, E> FallbackFuture<'p, S, Fut, A, E> {
    #[inline]
    pub(super) fn new(fallback: &'p Fallback<S>, call: Fut) -> Self {
        Self { state: State::Running(call), fallback }
    }
}

impl<S, Fut, T, E> Future for FallbackFuture<'_, S, Fut, S::Answer, E>
where
    Fut: Future<Output = Result<T, Error<E>>>,
    S: Substitute<T, E>,
{
    type Output = Result<T, Error<E>>;

    /// # Panics
    ///
    /// When polled after it was ready.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let step = if let StateProjection::Running(call) = this.state.as_mut().project() {
            let outcome = ready!(call.poll(cx));
            // What the call holds goes back before the caller resumes, or the fallback begins.
            this.state.set(State::Over(None));
            match outcome {
                Ok(output) => return Poll::Ready(Ok(output)),
                Err(error) => begin(&this.fallback.0, error, cx),
            }
        } else {
            match this.state.as_mut().project_replace(State::Over(None)) {
                StateOwned::Over(Some(answering)) => go_on(&this.fallback.0, answering, cx),
                _ => over(),
            }
        };
        match step {
            Step::Over(outcome) => Poll::Ready(outcome),
            Step::Pending(answering) => {
                this.state.set(State::Over(Some(answering)));
                Poll::Pending
            }
        }
    }
}

#[cold]
fn over() -> ! {
    panic!("a call with a fallback was polled after it was over")
}

/// Begins to answer for `error`, or gives it back.
#[cold]
#[inline(never)]
fn begin<'p, S, T, E>(
    fallback: &'p Shared<S>,
    error: Error<E>,
    cx: &mut Context<'_>,
) -> Step<'p, T, S::Answer, E>
where
    S: Substitute<T, E>,
{
    if !applies(fallback, error.class()) {
        return Step::Over(Err(error));
    }
    let Some(place) = Places::take(&fallback.places) else {
        fallback.counts.refused.fetch_add(1, Ordering::Relaxed);
        event::full(fallback);
        return Step::Over(Err(error));
    };
    match contain(|| fallback.substitute.begin(&error)) {
        Ok(Begun::Now(given)) => {
            // The place is free before anybody is told.
            drop(place);
            Step::Over(end(fallback, error, given))
        }
        Ok(Begun::Later(answer)) => {
            let answering = Box::pin(Answering { answer, error: Some(error), _place: place });
            go_on(fallback, answering, cx)
        }
        Err(report) => {
            drop(place);
            event::panicked(fallback, &report);
            Step::Over(end(fallback, error, None))
        }
    }
}

/// Whether `class` is one to fall back from.
fn applies<S>(fallback: &Shared<S>, class: Class) -> bool {
    contain(|| fallback.when.holds(class)).unwrap_or_else(|report| {
        event::panicked(fallback, &report);
        false
    })
}

#[cold]
#[inline(never)]
fn go_on<'p, S, T, E>(
    fallback: &'p Shared<S>,
    mut answering: Pin<Box<Answering<'p, S::Answer, E>>>,
    cx: &mut Context<'_>,
) -> Step<'p, T, S::Answer, E>
where
    S: Substitute<T, E>,
{
    let this = answering.as_mut().project();
    let Some(error) = this.error.take() else { over() };
    let given = match contain(|| fallback.substitute.poll_answer(this.answer, &error, cx)) {
        Ok(Poll::Pending) => {
            *this.error = Some(error);
            return Step::Pending(answering);
        }
        Ok(Poll::Ready(given)) => given,
        Err(report) => {
            event::panicked(fallback, &report);
            None
        }
    };
    // Drops the answer and gives back its place.
    if let Err(report) = contain(|| drop(answering)) {
        event::panicked(fallback, &report);
    }
    Step::Over(end(fallback, error, given))
}

/// Counts and tells what the fallback came to; where it gave nothing, the first error stands.
fn end<S, T, E>(fallback: &Shared<S>, error: Error<E>, given: Option<T>) -> Result<T, Error<E>> {
    let class = error.class();
    if let Some(output) = given {
        fallback.counts.degraded.fetch_add(1, Ordering::Relaxed);
        event::degraded(fallback, class);
        Ok(output)
    } else {
        fallback.counts.failed.fetch_add(1, Ordering::Relaxed);
        event::failed(fallback, class);
        Err(error)
    }
}

impl<S, Fut, A, E> fmt::Debug for FallbackFuture<'_, S, Fut, A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Running(_) => "running",
            State::Over(Some(_)) => "answering",
            State::Over(None) => "over",
        };
        f.debug_struct("FallbackFuture")
            .field("fallback", self.fallback.name())
            .field("state", &state)
            .finish()
    }
}
