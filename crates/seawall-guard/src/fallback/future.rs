//! A call that is answered for where it fails.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, ready};

use pin_project::pin_project;
use seawall_core::{Class, Error, contain};

use super::permit::Place;
use super::policy::Shared;
use super::{Substitute, event};

/// A call with a [`Fallback`](super::Fallback) around it.
///
/// The call is dropped before the fallback begins.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct FallbackFuture<'p, S, Fut, A, E> {
    #[pin]
    state: State<'p, Fut, A, E>,
    fallback: &'p Shared<S>,
}

#[pin_project(project = StateProjection)]
enum State<'p, Fut, A, E> {
    Running(#[pin] Fut),
    Answering {
        #[pin]
        answer: A,
        /// Taken while the answer is polled, and when it is over.
        error: Option<Error<E>>,
        place: Place<'p>,
    },
    Done,
}

impl<'p, S, Fut, A, E> FallbackFuture<'p, S, Fut, A, E> {
    #[inline]
    pub(super) fn new(fallback: &'p Shared<S>, call: Fut) -> Self {
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
        if let StateProjection::Running(call) = this.state.as_mut().project() {
            let outcome = ready!(call.poll(cx));
            // What the call holds goes back before the caller resumes, or the fallback begins.
            this.state.set(State::Done);
            match outcome {
                Ok(output) => return Poll::Ready(Ok(output)),
                Err(error) => begin(this.fallback, this.state.as_mut(), error)?,
            }
        }
        poll_answer(this.fallback, this.state, cx)
    }
}

/// Begins to answer for `error`, or gives it back.
#[cold]
fn begin<'p, S, Fut, T, E>(
    fallback: &'p Shared<S>,
    mut state: Pin<&mut State<'p, Fut, S::Answer, E>>,
    error: Error<E>,
) -> Result<(), Error<E>>
where
    S: Substitute<T, E>,
{
    let class = error.class();
    match contain(|| fallback.when.holds(class)) {
        Ok(true) => {}
        Ok(false) => return Err(error),
        Err(report) => {
            event::panicked(fallback, &report);
            return Err(error);
        }
    }
    let Some(place) = fallback.places.take() else {
        fallback.counts.refused.fetch_add(1, Ordering::Relaxed);
        event::full(fallback);
        return Err(error);
    };
    match contain(|| fallback.substitute.begin(&error)) {
        Ok(answer) => {
            state.set(State::Answering { answer, error: Some(error), place });
            Ok(())
        }
        Err(report) => {
            event::panicked(fallback, &report);
            failed(fallback, class);
            Err(error)
        }
    }
}

#[cold]
fn poll_answer<'p, S, Fut, T, E>(
    fallback: &'p Shared<S>,
    mut state: Pin<&mut State<'p, Fut, S::Answer, E>>,
    cx: &mut Context<'_>,
) -> Poll<Result<T, Error<E>>>
where
    S: Substitute<T, E>,
{
    let (first, given) = match state.as_mut().project() {
        StateProjection::Answering { answer, error, .. } => {
            let Some(first) = error.take() else { over() };
            match contain(|| fallback.substitute.poll_answer(answer, &first, cx)) {
                Ok(Poll::Pending) => {
                    *error = Some(first);
                    return Poll::Pending;
                }
                Ok(Poll::Ready(given)) => (first, given),
                Err(report) => {
                    event::panicked(fallback, &report);
                    (first, None)
                }
            }
        }
        _ => over(),
    };
    // Drops the answer's future and gives back its place.
    if let Err(report) = contain(|| state.set(State::Done)) {
        event::panicked(fallback, &report);
    }
    Poll::Ready(if let Some(output) = given {
        fallback.counts.degraded.fetch_add(1, Ordering::Relaxed);
        event::degraded(fallback, first.class());
        Ok(output)
    } else {
        failed(fallback, first.class());
        Err(first)
    })
}

fn over() -> ! {
    panic!("a call with a fallback was polled after it was over")
}

fn failed<S>(fallback: &Shared<S>, class: Class) {
    fallback.counts.failed.fetch_add(1, Ordering::Relaxed);
    event::failed(fallback, class);
}

impl<S, Fut, A, E> fmt::Debug for FallbackFuture<'_, S, Fut, A, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state {
            State::Running(_) => "running",
            State::Answering { .. } => "answering",
            State::Done => "done",
        };
        f.debug_struct("FallbackFuture")
            .field("fallback", &self.fallback.name)
            .field("state", &state)
            .finish()
    }
}
