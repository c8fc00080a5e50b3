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
#[pin_project(project = RetryProjection)]
#[must_use = "futures do nothing unless polled"]
pub struct RetryFuture<'p, Op: Operation, J = ByClass> {
    retry: &'p Retry<J>,
    // Taken when the call goes on in the box.
    op: Option<Op>,
    // Began when the call began, once that is known.
    attempt: Attempt,
    in_flight: CallInFlight<'p>,
    #[pin]
    state: State<'p, Op, J>,
}

#[pin_project(project = StateProjection)]
enum State<'p, Op: Operation, J> {
    /// The first attempt, or a later one where nothing had to be carried over.
    First {
        #[pin]
        future: Op::Future,
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
        Self { retry, op: Some(op), attempt, in_flight, state: State::First { future } }
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
    // Small, so that it is inlined: what happens to a call that does not fail.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        let StateProjection::First { future } = this.state.as_mut().project() else {
            return self.resume(cx);
        };
        let Poll::Ready(outcome) = future.poll(cx) else {
            // Until now no time has passed but that of one synchronous poll: a call that succeeds
            // at once reads no clock.
            this.attempt.began();
            return Poll::Pending;
        };
        let class = this.retry.class(&outcome);
        if class != Class::Success {
            return self.go_on(outcome, class, cx);
        }
        // Told apart, so that a small output is moved alone and not with all the room that an error
        // would have had.
        match outcome {
            Ok(output) => Poll::Ready(Ok(output)),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl<Op, J> RetryFuture<'_, Op, J>
where
    Op: Operation,
    J: Judge<Op::Output, Op::Error>,
{
    /// Goes on with what is under way in the box.
    #[inline(never)]
    fn resume(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<Op>> {
        match self.project().state.project() {
            StateProjection::Repeating { repeating } => repeating.as_mut().poll(cx),
            _ => panic!("a retry was polled after it was over"),
        }
    }

    /// Goes on after an attempt that came to `outcome`, which means `class` and is no success.
    #[inline(never)]
    fn go_on(
        mut self: Pin<&mut Self>,
        mut outcome: Outcome<Op>,
        mut class: Class,
        cx: &mut Context<'_>,
    ) -> Poll<Outcome<Op>> {
        loop {
            let mut this = self.as_mut().project();
            this.attempt.began();
            let (true, Some(op)) = (this.retry.repeats_at_once(this.attempt, class), &mut *this.op)
            else {
                return match this.box_up(Last { outcome, class }) {
                    Some(outcome) => Poll::Ready(outcome),
                    None => self.resume(cx),
                };
            };
            match outcome {
                // The usual one, told apart from those whose drop has more to look at.
                Err(Error::Operation { error, .. }) => drop(error),
                other => drop(other),
            }
            let number = this.attempt.number() + 1;
            let max_attempts = this.retry.plan.max_attempts;
            *this.attempt = this.attempt.numbered(number, max_attempts).after(class);
            let future = op.attempt(this.attempt.restart_clock());
            this.state.set(State::First { future });
            let StateProjection::First { future } = this.state.project() else {
                unreachable!("it was set just now")
            };
            outcome = ready!(future.poll(cx));
            class = this.retry.class(&outcome);
            if class == Class::Success {
                return Poll::Ready(outcome);
            }
        }
    }
}

impl<Op: Operation, J> RetryProjection<'_, '_, Op, J> {
    /// Goes on in the box, or gives what the call came to.
    fn box_up(&mut self, last: Last<Op::Output, Op::Error>) -> Option<Outcome<Op>> {
        // The attempt gives back what it holds before anything is decided or waited for.
        self.state.set(State::Done);
        let Some(op) = self.op.take() else { return Some(last.outcome) };
        let in_flight = self.in_flight.take();
        match Repeating::after_first(self.retry, op, *self.attempt, in_flight, last) {
            Ok(repeating) => self.state.set(State::Repeating { repeating }),
            Err(outcome) => return Some(outcome),
        }
        None
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
            State::Repeating { repeating } => &repeating.attempt,
            State::First { .. } | State::Done => &self.attempt,
        };
        f.debug_struct("RetryFuture")
            .field("retry", &self.retry.name)
            .field("attempt", &attempt.number())
            .finish_non_exhaustive()
    }
}
