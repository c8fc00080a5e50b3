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
pub(super) const ATTEMPTS_PER_TURN: u32 = 32;

/// A call with a [`Retry`] around it.
///
/// Holds the first attempt in place. What repeating needs, the timer above all, is in a box that is
/// made when an attempt has failed and there is something to wait for or to carry over.
#[pin_project]
#[must_use = "futures do nothing unless polled"]
pub struct RetryFuture<'p, Op: Operation, J = ByClass> {
    retry: &'p Retry<J>,
    #[pin]
    state: State<'p, Op, J>,
}

#[pin_project(project = StateProjection)]
enum State<'p, Op: Operation, J> {
    /// The first attempt, or a later one where nothing had to be carried over.
    First {
        #[pin]
        future: Op::Future,
        // Taken when the state ends.
        op: Option<Op>,
        // Began when the call began, once that is known.
        attempt: Attempt,
        in_flight: CallInFlight<'p>,
    },
    Repeating {
        repeating: Pin<Box<Repeating<'p, Op, J>>>,
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
        Self { retry, state: State::First { future, op: Some(op), attempt, in_flight } }
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
    // All that happens to a call which does not fail is in here, and nothing of it hands out a
    // pointer to `self`: then it is inlined, and the future of a call that is ready at once lives
    // in registers.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let retry = *this.retry;
        loop {
            let (mut future, op, attempt, in_flight) = match this.state.as_mut().project() {
                StateProjection::First { future, op, attempt, in_flight } => {
                    (future, op, attempt, in_flight)
                }
                StateProjection::Repeating { repeating } => return repeating.as_mut().poll(cx),
                StateProjection::Done => panic!("a retry was polled after it was over"),
            };
            let Poll::Ready(outcome) = future.as_mut().poll(cx) else {
                // Until now no time has passed but that of one synchronous poll: a call that
                // succeeds at once reads no clock.
                attempt.began();
                return Poll::Pending;
            };
            let class = retry.class(&outcome);
            if class == Class::Success {
                return Poll::Ready(outcome);
            }
            attempt.began();
            let (number, said) = (attempt.number(), attempt.is_idempotent());
            if attempt.deadline().is_none() && retry.repeats_at_once(number, said, class) {
                *attempt = attempt.numbered(number + 1, retry.plan.max_attempts).after(class);
                if let Some(op) = op {
                    let next = op.attempt(attempt.restart_clock());
                    future.set(next);
                    continue;
                }
            }
            let last = Last { outcome, class };
            let Some(op) = op.take() else { return Poll::Ready(last.outcome) };
            let (attempt, in_flight) = (*attempt, in_flight.take());
            // The attempt gives back what it holds before anything is decided or waited for.
            this.state.set(State::Done);
            match Repeating::after_first(retry, op, attempt, in_flight, last) {
                Ok(repeating) => this.state.set(State::Repeating { repeating }),
                Err(outcome) => return Poll::Ready(outcome),
            }
        }
    }
}

/// A call of which an attempt has failed.
#[pin_project(project = RepeatingProjection)]
struct Repeating<'p, Op: Operation, J> {
    retry: &'p Retry<J>,
    op: Op,
    attempt: Attempt,
    _in_flight: CallInFlight<'p>,
    course: Course<'p, Op::Error>,
    #[pin]
    now: Now<'p, Op::Future, Op::Output, Op::Error>,
}

#[pin_project(project = NowProjection)]
#[expect(clippy::large_enum_variant, reason = "it is in a box, and waits in turns with running")]
enum Now<'p, Fut, T, E> {
    Running {
        #[pin]
        future: Fut,
    },
    Waiting {
        #[pin]
        wait: Wait<'p, T, E>,
    },
    Over,
}

impl<'p, Op: Operation, J> Repeating<'p, Op, J> {
    /// Goes on after the first failure that there was something to think of, or gives what the
    /// call came to.
    #[inline(never)]
    fn after_first(
        retry: &'p Retry<J>,
        op: Op,
        mut attempt: Attempt,
        in_flight: CallInFlight<'p>,
        last: Last<Op::Output, Op::Error>,
    ) -> Result<Pin<Box<Self>>, Outcome<Op>> {
        let mut course = Course::default();
        let delay = match course.decide(retry, &mut attempt, &last) {
            Step::Pass => return Err(last.outcome),
            Step::Stop(why) => return Err(course.give_up(retry, &mut attempt, last, why)),
            Step::Repeat { delay, .. } => delay,
        };
        let now = Now::Over;
        let mut repeating =
            Box::pin(Self { retry, op, attempt, _in_flight: in_flight, course, now });
        repeating.as_mut().project().repeat(delay, last);
        Ok(repeating)
    }
}

impl<Op, J> Repeating<'_, Op, J>
where
    Op: Operation,
    J: Judge<Op::Output, Op::Error>,
{
    #[inline(never)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<Op>> {
        let mut this = self.project();
        loop {
            match this.now.as_mut().project() {
                NowProjection::Running { future } => {
                    let outcome = ready!(future.poll(cx));
                    let class = this.retry.class(&outcome);
                    // What the attempt holds goes back before anything else.
                    this.now.set(Now::Over);
                    if class == Class::Success {
                        return Poll::Ready(outcome);
                    }
                    let last = Last { outcome, class };
                    match this.course.decide(this.retry, this.attempt, &last) {
                        Step::Pass => return Poll::Ready(last.outcome),
                        Step::Stop(why) => return Poll::Ready(this.give_up(last, why)),
                        Step::Repeat { delay, .. } => this.repeat(delay, last),
                    }
                }
                NowProjection::Waiting { wait } => {
                    let ended = ready!(wait.poll(cx));
                    this.now.set(Now::Over);
                    match ended {
                        Ended::Due(last) => this.start_next(last),
                        Ended::ShuttingDown(last) => {
                            return Poll::Ready(this.give_up(last, StopReason::Shutdown));
                        }
                    }
                }
                NowProjection::Over => panic!("a retry was polled after it was over"),
            }
        }
    }
}

impl<'p, Op: Operation, J> RepeatingProjection<'_, 'p, Op, J> {
    /// Starts the next attempt, or the wait for it.
    fn repeat(&mut self, delay: Duration, last: Last<Op::Output, Op::Error>) {
        let turn = self.attempt.number().is_multiple_of(ATTEMPTS_PER_TURN);
        if delay.is_zero() && !turn {
            return self.start_next(last);
        }
        let retry: &'p Retry<J> = self.retry;
        let wait = Wait::new(delay, retry.shutdown.as_ref(), last);
        self.now.set(Now::Waiting { wait });
    }

    fn start_next(&mut self, last: Last<Op::Output, Op::Error>) {
        let attempt = self.course.advance(self.retry, self.attempt, last);
        let future = self.op.attempt(attempt);
        self.now.set(Now::Running { future });
    }

    fn give_up(&mut self, last: Last<Op::Output, Op::Error>, why: StopReason) -> Outcome<Op> {
        std::mem::take(self.course).give_up(self.retry, self.attempt, last, why)
    }
}

impl<Op: Operation, J> fmt::Debug for RetryFuture<'_, Op, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let attempt = match &self.state {
            State::First { attempt, .. } => Some(attempt.number()),
            State::Repeating { repeating } => Some(repeating.attempt.number()),
            State::Done => None,
        };
        f.debug_struct("RetryFuture")
            .field("retry", &self.retry.name)
            .field("attempt", &attempt)
            .finish_non_exhaustive()
    }
}
