//! A call with a retry around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{ByClass, Class, Error, Judge, Operation, StopReason};

use super::Retry;
use super::course::Course;
use super::plan::Step;
use super::wait::{Ended, Last, Wait};

/// How many attempts in a row may start without a wait before other tasks get their turn: with
/// fewer the executor is asked too often, with many more an operation that fails at once, repeated
/// without limit and delay, would hold its thread.
const ATTEMPTS_PER_POLL: u32 = 32;

/// A call with a [`Retry`] around it.
#[pin_project(project = RetryProjection)]
#[must_use = "futures do nothing unless polled"]
pub struct RetryFuture<'p, Op: Operation, J = ByClass> {
    retry: &'p Retry<J>,
    op: Op,
    course: Course<Op::Error>,
    #[pin]
    state: State<'p, Op::Future, Op::Output, Op::Error>,
}

#[pin_project(project = StateProjection)]
enum State<'p, Fut, T, E> {
    Running {
        #[pin]
        future: Fut,
    },
    /// The timer and the last outcome are in a box, so that a call which does not wait does not
    /// have to be as large as one that does.
    Waiting {
        wait: Pin<Box<Wait<'p, T, E>>>,
    },
    Done,
}

impl<'p, Op: Operation, J> RetryFuture<'p, Op, J> {
    #[inline]
    pub(super) fn new(
        retry: &'p Retry<J>,
        op: Op,
        course: Course<Op::Error>,
        future: Op::Future,
    ) -> Self {
        Self { retry, op, course, state: State::Running { future } }
    }
}

type Outcome<Op> = Result<<Op as Operation>::Output, Error<<Op as Operation>::Error>>;

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
        let mut started = 0;
        loop {
            let mut this = self.as_mut().project();
            let StateProjection::Running { future } = this.state.as_mut().project() else {
                if let Some(outcome) = ready!(this.poll_wait(cx)) {
                    return Poll::Ready(outcome);
                }
                started += 1;
                continue;
            };
            let Poll::Ready(outcome) = future.poll(cx) else {
                this.course.note_began();
                return Poll::Pending;
            };
            let class = this.retry.class(&outcome);
            if class == Class::Success {
                // What the attempt holds goes back before the caller resumes.
                this.state.set(State::Done);
                return Poll::Ready(outcome);
            }
            if let Some(outcome) = this.after_failure(outcome, class, started < ATTEMPTS_PER_POLL) {
                return Poll::Ready(outcome);
            }
            started += 1;
        }
    }
}

impl<Op: Operation, J> RetryProjection<'_, '_, Op, J> {
    /// Starts the next attempt, or the wait for it; or gives what the call came to.
    fn after_failure(
        &mut self,
        outcome: Outcome<Op>,
        class: Class,
        at_once: bool,
    ) -> Option<Outcome<Op>> {
        // The attempt lets go of what it holds before anything is decided or waited for.
        self.state.set(State::Done);
        let last = Last { outcome, class };
        match self.course.decide(self.retry, &last.outcome, class) {
            Step::Pass => Some(last.outcome),
            Step::Stop(why) => Some(self.course.give_up(self.retry, last, why)),
            Step::Repeat { delay: Duration::ZERO, .. } if at_once => {
                self.start_next(last);
                None
            }
            Step::Repeat { delay, .. } => {
                let wait = Wait::new(delay, self.retry.shutdown.as_ref(), last);
                self.state.set(State::Waiting { wait });
                None
            }
        }
    }

    /// Starts the next attempt when it is time, or gives what the call came to.
    fn poll_wait(&mut self, cx: &mut Context<'_>) -> Poll<Option<Outcome<Op>>> {
        let StateProjection::Waiting { wait } = self.state.as_mut().project() else {
            panic!("a retry was polled after it was over")
        };
        let ended = ready!(wait.as_mut().poll(cx));
        self.state.set(State::Done);
        Poll::Ready(match ended {
            Ended::Due(last) => {
                self.start_next(last);
                None
            }
            Ended::ShuttingDown(last) => {
                Some(self.course.give_up(self.retry, last, StopReason::Shutdown))
            }
        })
    }

    fn start_next(&mut self, last: Last<Op::Output, Op::Error>) {
        let attempt = self.course.advance(self.retry, last);
        let future = self.op.attempt(attempt);
        self.state.set(State::Running { future });
    }
}

impl<Op: Operation, J> fmt::Debug for RetryFuture<'_, Op, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryFuture")
            .field("retry", &self.retry.name)
            .field("attempt", &self.course.attempt().number())
            .field("waiting", &matches!(self.state, State::Waiting { .. }))
            .finish_non_exhaustive()
    }
}
