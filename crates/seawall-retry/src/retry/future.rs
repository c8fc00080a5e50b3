//! A call with a retry around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{Attempt, ByClass, Class, Error, Judge, Operation, StopReason};

use super::Retry;
use super::course::{Course, Last};
use super::plan::Step;
use super::wait::{Ended, Wait};
use crate::CallInFlight;

/// After how many attempts that had nothing to wait for it is other tasks' turn: with fewer the
/// executor is asked too often, with many more an operation that fails at once, repeated without
/// limit and delay, would hold its thread.
const ATTEMPTS_PER_TURN: u32 = 32;

/// A call with a [`Retry`] around it.
#[pin_project(project = RetryProjection)]
#[must_use = "futures do nothing unless polled"]
pub struct RetryFuture<'p, Op: Operation, J = ByClass> {
    retry: &'p Retry<J>,
    op: Op,
    // Began when the call began, once that is known.
    attempt: Attempt,
    in_flight: CallInFlight<'p>,
    #[pin]
    state: State<'p, Op::Future, Op::Output, Op::Error>,
}

#[pin_project(project = StateProjection, project_replace = StateOwned)]
enum State<'p, Fut, T, E> {
    /// The first attempt: the one state that a call sees which does not fail. It carries nothing
    /// that only repeating needs.
    First {
        #[pin]
        future: Fut,
    },
    Again {
        #[pin]
        future: Fut,
        course: Course<'p, E>,
    },
    /// The timer and the last outcome are in a box, so that a call which does not wait does not
    /// have to be as large as one that does.
    Waiting {
        wait: Pin<Box<Wait<'p, T, E>>>,
    },
    Done,
}

type Outcome<Op> = Result<<Op as Operation>::Output, Error<<Op as Operation>::Error>>;

impl<'p, Op: Operation, J> RetryFuture<'p, Op, J> {
    #[inline]
    pub(super) fn start(retry: &'p Retry<J>, mut op: Op, attempt: Attempt) -> Self {
        let attempt = retry.due(attempt);
        let in_flight = match &retry.budget {
            Some(budget) => budget.call(),
            None => CallInFlight::UNCOUNTED,
        };
        let future = op.attempt(attempt);
        Self { retry, op, attempt, in_flight, state: State::First { future } }
    }
}

impl<Op, J> Future for RetryFuture<'_, Op, J>
where
    Op: Operation,
    J: Judge<Op::Output, Op::Error>,
{
    type Output = Outcome<Op>;

    /// # Panics
    ///
    /// When polled after it was ready, and outside of a tokio runtime with a timer when there is a
    /// delay to wait for.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Small, so that it is inlined: what happens to a call that does not fail. All else is in
        // `proceed`.
        let mut this = self.as_mut().project();
        let StateProjection::First { future } = this.state.as_mut().project() else {
            return self.proceed(None, cx);
        };
        match future.poll(cx) {
            Poll::Ready(outcome) => match this.retry.class(&outcome) {
                Class::Success => Poll::Ready(outcome),
                class => self.proceed(Some(Last { outcome, class }), cx),
            },
            Poll::Pending => {
                note_began(this.attempt);
                Poll::Pending
            }
        }
    }
}

/// Until a call is pending or fails for the first time, no time has passed but that of one
/// synchronous poll: a call that succeeds at once reads no clock.
#[inline(never)]
fn note_began(attempt: &mut Attempt) {
    attempt.began();
}

impl<Op, J> RetryFuture<'_, Op, J>
where
    Op: Operation,
    J: Judge<Op::Output, Op::Error>,
{
    /// Goes on after a first attempt that failed, or with what is under way.
    #[inline(never)]
    fn proceed(
        self: Pin<&mut Self>,
        first: Option<Last<Op::Output, Op::Error>>,
        cx: &mut Context<'_>,
    ) -> Poll<Outcome<Op>> {
        let mut this = self.project();
        if let Some(last) = first
            && let Some(outcome) = this.after(last, Course::default())
        {
            return Poll::Ready(outcome);
        }
        loop {
            let (last, course) = match this.state.as_mut().project() {
                StateProjection::Again { future, .. } => {
                    let outcome = ready!(future.poll(cx));
                    let class = this.retry.class(&outcome);
                    let StateOwned::Again { course, .. } =
                        this.state.as_mut().project_replace(State::Done)
                    else {
                        unreachable!("it was polled just now")
                    };
                    if class == Class::Success {
                        return Poll::Ready(outcome);
                    }
                    (Last { outcome, class }, course)
                }
                StateProjection::Waiting { wait } => {
                    let ended = ready!(wait.as_mut().poll(cx));
                    this.state.set(State::Done);
                    match ended {
                        Ended::Due(last, course) => {
                            this.start_next(last, course);
                            continue;
                        }
                        Ended::ShuttingDown(last, course) => {
                            let why = StopReason::Shutdown;
                            return Poll::Ready(course.give_up(
                                this.retry,
                                this.attempt,
                                last,
                                why,
                            ));
                        }
                    }
                }
                _ => panic!("a retry was polled after it was over"),
            };
            if let Some(outcome) = this.after(last, course) {
                return Poll::Ready(outcome);
            }
        }
    }
}

impl<'p, Op: Operation, J> RetryProjection<'_, 'p, Op, J> {
    /// After an attempt that failed: starts the next, or the wait for it; or gives what the call
    /// came to.
    fn after(
        &mut self,
        last: Last<Op::Output, Op::Error>,
        mut course: Course<'p, Op::Error>,
    ) -> Option<Outcome<Op>> {
        // The attempt gives back what it holds before anything is decided or waited for.
        self.state.set(State::Done);
        match course.decide(self.retry, self.attempt, &last) {
            Step::Pass => return Some(last.outcome),
            Step::Stop(why) => return Some(course.give_up(self.retry, self.attempt, last, why)),
            Step::Repeat { delay: Duration::ZERO, .. }
                if !self.attempt.number().is_multiple_of(ATTEMPTS_PER_TURN) =>
            {
                self.start_next(last, course);
            }
            Step::Repeat { delay, .. } => {
                let wait = Wait::new(delay, self.retry.shutdown.as_ref(), last, course);
                self.state.set(State::Waiting { wait });
            }
        }
        None
    }

    fn start_next(&mut self, last: Last<Op::Output, Op::Error>, mut course: Course<'p, Op::Error>) {
        let attempt = course.advance(self.retry, self.attempt, last);
        let future = self.op.attempt(attempt);
        self.state.set(State::Again { future, course });
    }
}

impl<Op: Operation, J> fmt::Debug for RetryFuture<'_, Op, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture")
            .field("retry", &self.retry.name)
            .field("attempt", &self.attempt.number())
            .field("waiting", &matches!(self.state, State::Waiting { .. }))
            .finish_non_exhaustive()
    }
}
