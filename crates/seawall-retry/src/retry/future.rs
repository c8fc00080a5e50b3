//! A call with a retry around it.

use std::fmt;
use std::future::Future;
use std::hint::cold_path;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{Attempt, ByClass, Class, Error, Judge, Operation, Rare, StopReason};

use super::Retry;
use super::course::{Course, Last, overslept};
use super::plan::Step;
use super::wait::Wait;
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
    // Taken when the call goes on in the box.
    op: Option<Op>,
    // Began when the call began, once that is known. How many there may be is not in it: that is
    // told to the operation, and would be one thing more to carry.
    attempt: Attempt,
    // The first attempt, or a later one where nothing had to be carried over.
    #[pin]
    future: Option<Op::Future>,
    held: Rare<Held<'p, Op, J>>,
}

/// What only a call holds that did not succeed at once.
enum Held<'p, Op: Operation, J> {
    InFlight(CallInFlight<'p>),
    Repeating(Pin<Box<Repeating<'p, Op, J>>>),
}

type Outcome<Op> = Result<<Op as Operation>::Output, Error<<Op as Operation>::Error>>;

impl<'p, Op: Operation, J> RetryFuture<'p, Op, J> {
    #[inline]
    pub(super) fn start(retry: &'p Retry<J>, mut op: Op, attempt: Attempt) -> Self {
        retry.pay_in();
        let mut attempt = attempt.numbered(1, 0);
        if retry.deadline.is_some() {
            // It counts from here. Nothing but the clock reading is kept of it: the deadline follows
            // from that, wherever it is asked for.
            cold_path();
            attempt.began();
        }
        let future = Some(op.attempt(retry.told(attempt)));
        Self { retry, op: Some(op), attempt, future, held: Rare::none() }
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
    // Small, so that it is inlined: what happens to a call that succeeds at once, or at once after
    // failures. What else may happen is handed on by value: a reference to this future, on
    // whichever path, would keep all of it in memory on every path.
    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(Held::Repeating(repeating)) = this.held.as_mut() {
            return repeating.as_mut().poll(cx);
        }
        loop {
            let Some(future) = this.future.as_mut().as_pin_mut() else { over() };
            // Success and failure are told apart here, and each returns for itself: a small output
            // then stays in registers, where all the room that an error would have had is copied
            // along otherwise.
            let last = match future.poll(cx) {
                Poll::Ready(Ok(output)) => match this.retry.weigh(Ok(output)) {
                    Ok(outcome) => return Poll::Ready(outcome),
                    Err(last) => last,
                },
                Poll::Ready(Err(error)) => match this.retry.weigh(Err(error)) {
                    Ok(outcome) => return Poll::Ready(outcome),
                    Err(last) => last,
                },
                Poll::Pending => {
                    if this.held.as_ref().is_none()
                        && let Some(in_flight) = this.retry.enter()
                    {
                        this.held.put(Held::InFlight(in_flight));
                    }
                    // Until now no time has passed but that of synchronous polls.
                    this.attempt.began();
                    return Poll::Pending;
                }
            };
            // What the attempt holds goes back before anything else.
            this.future.set(None);
            let Some(mut op) = this.op.take() else { over() };
            let class = last.class;
            // Taken apart first: of what is left then, dropping calls nothing of ours. A call within
            // this loop would cost every call the registers that have to survive it.
            let last = match last.own_error() {
                Ok((error, own)) => {
                    if this.retry.repeats_at_once(this.attempt, class) {
                        drop(error);
                        let number = this.attempt.number().saturating_add(1);
                        *this.attempt = this.attempt.numbered(number, 0);
                        let next = this.attempt.numbered(number, this.retry.plan.max_attempts);
                        this.future.set(Some(op.attempt(next.after(class).restart_clock())));
                        *this.op = Some(op);
                        continue;
                    }
                    Last { outcome: Err(Error::operation_failed(error, own)), class }
                }
                Err(last) => last,
            };
            let held = this.held.take();
            return match Repeating::after(this.retry, op, *this.attempt, held, last, cx) {
                Ok(repeating) => {
                    this.held.put(Held::Repeating(repeating));
                    Poll::Pending
                }
                Err(outcome) => Poll::Ready(outcome),
            };
        }
    }
}

#[cold]
#[inline(never)]
fn over() -> ! {
    panic!("a retry was polled after it was over")
}

/// A call of which an attempt has failed.
#[pin_project(project = RepeatingProjection)]
struct Repeating<'p, Op: Operation, J> {
    retry: &'p Retry<J>,
    op: Op,
    attempt: Attempt,
    // Dropped in this order: an attempt before the place that it has in flight.
    #[pin]
    now: Now<'p, Op::Future, Op::Output, Op::Error>,
    course: Course<'p, Op::Error>,
    _in_flight: Option<CallInFlight<'p>>,
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

impl<'p, Op, J> Repeating<'p, Op, J>
where
    Op: Operation,
    J: Judge<Op::Output, Op::Error>,
{
    /// Goes on after the first failure that there was something to think of: gives what that came
    /// to, and itself if there is more to come.
    #[cold]
    #[inline(never)]
    fn after(
        retry: &'p Retry<J>,
        op: Op,
        mut attempt: Attempt,
        held: Option<Held<'p, Op, J>>,
        last: Last<Op::Output, Op::Error>,
        cx: &mut Context<'_>,
    ) -> Result<Pin<Box<Self>>, Outcome<Op>> {
        let in_flight = match held {
            Some(Held::InFlight(in_flight)) => Some(in_flight),
            _ => retry.enter(),
        };
        attempt = retry.told(attempt);
        let mut course = Course::default();
        let delay = match course.decide(retry, &mut attempt, &last) {
            Step::Pass => return Err(last.outcome),
            Step::Stop(why) => return Err(course.give_up(retry, &mut attempt, last, why)),
            Step::Repeat { delay, .. } => delay,
        };
        let now = Now::Over;
        let mut repeating =
            Box::pin(Self { retry, op, attempt, now, course, _in_flight: in_flight });
        repeating.as_mut().project().repeat(delay, last);
        match repeating.as_mut().poll(cx) {
            Poll::Pending => Ok(repeating),
            Poll::Ready(outcome) => Err(outcome),
        }
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
                    let (last, stopped) = ready!(wait.poll(cx));
                    this.now.set(Now::Over);
                    match stopped.or_else(|| overslept(this.attempt)) {
                        None => this.start_next(last),
                        Some(why) => return Poll::Ready(this.give_up(last, why)),
                    }
                }
                NowProjection::Over => over(),
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
        let attempt = match self.held.as_ref() {
            Some(Held::Repeating(repeating)) => &repeating.attempt,
            _ => &self.attempt,
        };
        f.debug_struct("RetryFuture")
            .field("retry", &self.retry.name)
            .field("attempt", &attempt.number())
            .finish_non_exhaustive()
    }
}
