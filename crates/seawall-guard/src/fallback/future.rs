//! A call that is answered for where it fails.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use pin_project::{pin_project, pinned_drop};
use seawall_core::{Class, Error, PanicReport, contain};

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
    state: State<'p, S, Fut, A, E>,
    fallback: &'p Fallback<S>,
}

#[pin_project(project = StateProjection, project_replace = StateOwned)]
enum State<'p, S, Fut, A, E> {
    Running(#[pin] Fut),
    /// The call is over; a fallback may be under way. Boxed, and moved in and out of calls instead
    /// of lent to them: what no call can reach stays in registers while nothing fails.
    Over(Option<Pin<Box<Answering<'p, S, A, E>>>>),
}

/// A fallback under way.
#[pin_project(PinnedDrop)]
struct Answering<'p, S, A, E> {
    #[pin]
    answer: Option<A>,
    link: usize,
    /// Taken while the answer is polled.
    answered_for: Option<AnsweredFor<'p, E>>,
    fallback: &'p Shared<S>,
}

/// What is answered for, and the place that it takes.
struct AnsweredFor<'p, E> {
    error: Error<E>,
    class: Class,
    place: Place<&'p Places>,
}

/// What a step of a fallback came to.
enum Step<'p, S, T, A, E> {
    Over(Result<T, Error<E>>),
    Pending(Pin<Box<Answering<'p, S, A, E>>>),
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
                StateOwned::Over(Some(answering)) => go_on(answering, cx),
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
) -> Step<'p, S, T, S::Answer, E>
where
    S: Substitute<T, E>,
{
    let class = error.class();
    if !fallback.when.holds(class, |report| event::panicked(fallback, report)) {
        return Step::Over(Err(error));
    }
    let Some(place) = Places::take(&fallback.places) else {
        fallback.counts.refused.fetch_add(1, Ordering::Relaxed);
        event::full(fallback);
        return Step::Over(Err(error));
    };
    ask(fallback, 0, AnsweredFor { error, class, place }, cx)
}

/// Asks one link of the chain after the other, from `first` on.
fn ask<'p, S, T, E>(
    fallback: &'p Shared<S>,
    first: usize,
    answered_for: AnsweredFor<'p, E>,
    cx: &mut Context<'_>,
) -> Step<'p, S, T, S::Answer, E>
where
    S: Substitute<T, E>,
{
    for link in first..S::LINKS {
        match contain(|| fallback.substitute.begin(link, &answered_for.error)) {
            Ok(Begun::Now(None)) => {}
            Ok(Begun::Now(Some(output))) => {
                degraded(fallback, answered_for);
                return Step::Over(Ok(output));
            }
            Ok(Begun::Later(answer)) => {
                let (answer, answered_for) = (Some(answer), Some(answered_for));
                let answering = Answering { answer, link, answered_for, fallback };
                return go_on(Box::pin(answering), cx);
            }
            Err(report) => event::panicked(fallback, &report),
        }
    }
    Step::Over(Err(failed(fallback, answered_for)))
}

#[cold]
#[inline(never)]
fn go_on<'p, S, T, E>(
    mut answering: Pin<Box<Answering<'p, S, S::Answer, E>>>,
    cx: &mut Context<'_>,
) -> Step<'p, S, T, S::Answer, E>
where
    S: Substitute<T, E>,
{
    let this = answering.as_mut().project();
    let (fallback, link) = (*this.fallback, *this.link);
    let (Some(answer), Some(answered_for)) = (this.answer.as_pin_mut(), this.answered_for.take())
    else {
        over()
    };
    let polled = contain(|| fallback.substitute.poll_answer(answer, &answered_for.error, cx));
    let given = match polled {
        Ok(Poll::Pending) => {
            *this.answered_for = Some(answered_for);
            return Step::Pending(answering);
        }
        Ok(Poll::Ready(given)) => given,
        Err(report) => {
            event::panicked(fallback, &report);
            None
        }
    };
    drop(answering);
    match given {
        Some(output) => {
            degraded(fallback, answered_for);
            Step::Over(Ok(output))
        }
        None => ask(fallback, link + 1, answered_for, cx),
    }
}

/// An answer was given. The place is free before anybody is told.
fn degraded<S, E>(fallback: &Shared<S>, answered_for: AnsweredFor<'_, E>) {
    let AnsweredFor { error, class, place } = answered_for;
    drop(place);
    fallback.counts.degraded.fetch_add(1, Ordering::Relaxed);
    event::degraded(fallback, class);
    if let Err(report) = discard(error) {
        event::panicked(fallback, &report);
    }
}

/// Drops what was answered for: the caller's code, too, where it has a drop.
fn discard<E>(error: Error<E>) -> Result<(), PanicReport> {
    match error {
        // Apart from the rest: most have none, and that costs nothing.
        Error::Operation { error, .. } => contain(|| drop(error)),
        error => contain(|| drop(error)),
    }
}

/// No answer was given, and the first error stands.
fn failed<S, E>(fallback: &Shared<S>, answered_for: AnsweredFor<'_, E>) -> Error<E> {
    let AnsweredFor { error, class, place } = answered_for;
    drop(place);
    fallback.counts.failed.fetch_add(1, Ordering::Relaxed);
    event::failed(fallback, class);
    error
}

/// Drops the answer, whose panic is told and goes no further, also where the call was given up.
#[pinned_drop]
impl<S, A, E> PinnedDrop for Answering<'_, S, A, E> {
    fn drop(self: Pin<&mut Self>) {
        let mut this = self.project();
        if let Err(report) = contain(|| this.answer.set(None)) {
            event::panicked(this.fallback, &report);
        }
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
