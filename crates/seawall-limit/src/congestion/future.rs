//! A call with congestion control around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project::pin_project;
use seawall_core::{Attempt, ColdOption, Error, Operation};

use super::defaults::DEADLINE;
use super::machine::Answer;
use super::permit::{Permit, Ticket};
use super::rest::{Rest, Step, may_go_beside};
use super::shared::Shared;

#[expect(clippy::cast_possible_truncation, reason = "seconds")]
const NO_DEADLINE: u64 = DEADLINE.as_nanos() as u64;

/// A call with a [`CongestionControl`](super::CongestionControl) around it.
#[pin_project(project = Projection)]
#[must_use = "futures do nothing unless polled"]
pub struct CongestionFuture<'p, Op: Operation> {
    shared: &'p Shared,
    op: Op,
    attempt: Attempt,
    // Before the permit: a request ends before its place goes to the next.
    #[pin]
    first: Option<Op::Future>,
    permit: Option<Permit<'p>>,
    // Made when the first request is pending, failed, or had to wait.
    rest: ColdOption<Box<Rest<'p, Op>>>,
}

impl<'p, Op: Operation> CongestionFuture<'p, Op> {
    #[expect(
        clippy::inline_always,
        reason = "a copy of a whole future in a boxed service, by count"
    )]
    #[inline(always)]
    pub(super) fn start(shared: &'p Shared, mut op: Op, attempt: Attempt) -> Self {
        let (mut permit, mut rest) = (None, ColdOption::none());
        let mut attempt = attempt;
        let settings = shared.settings();
        if !settings.disabled {
            attempt = attempt.numbered(1, settings.max_attempts);
            let now = shared.time.at(attempt.began());
            let due = match attempt.deadline() {
                Some(deadline) => shared.time.at(deadline),
                None => now.saturating_add(NO_DEADLINE),
            };
            // The fast path: no lock, nothing allocated.
            if !shared.try_enter(now, due) {
                rest = Self::enter_slowly(shared, now, due);
            }
            if rest.as_ref().is_none() {
                permit = Some(Permit::new(shared, now, due));
            }
        }
        let starts = rest.as_ref().is_none();
        let first = if starts { Some(op.attempt(attempt)) } else { None };
        Self { shared, op, attempt, first, permit, rest }
    }

    /// Nothing if the first request starts. It returns a pointer, not the future: what a function that
    /// is not inlined returns is copied by each layer around it.
    #[inline(never)]
    fn enter_slowly(shared: &'p Shared, now: u64, due: u64) -> ColdOption<Box<Rest<'p, Op>>> {
        match shared.arrive(now, due) {
            Answer::Starts => ColdOption::none(),
            Answer::Waits(key) => {
                ColdOption::some(Box::new(Rest::waiting(now, due, Ticket::new(shared, key))))
            }
            Answer::Refused(refusal) => {
                ColdOption::some(Box::new(Rest::refused(now, due, refusal)))
            }
        }
    }
}

impl<Op: Operation> Future for CongestionFuture<'_, Op> {
    type Output = Result<Op::Output, Error<Op::Error>>;

    /// # Panics
    ///
    /// When polled after it was ready, and outside of a tokio runtime with a timer when there is
    /// something to wait for.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(first) = this.first.as_mut().as_pin_mut() {
            match first.poll(cx) {
                Poll::Ready(Ok(output)) => {
                    this.first.set(None);
                    if let Some(permit) = this.permit.take() {
                        permit.succeeded();
                    }
                    drop(this.rest.take());
                    return Poll::Ready(Ok(output));
                }
                Poll::Ready(Err(error)) => {
                    this.first.set(None);
                    // It began while it was disabled.
                    if this.permit.is_none() {
                        return Poll::Ready(Err(error));
                    }
                    let mut rest = this.take_rest();
                    let permit = this.permit.take();
                    let step = rest.failed(this.shared, this.op, this.attempt, permit, error);
                    this.rest.put(rest);
                    if let Step::Done(outcome) = step {
                        drop(this.rest.take());
                        return Poll::Ready(outcome);
                    }
                }
                Poll::Pending => {
                    if this.rest.as_ref().is_none() {
                        if this.permit.is_none() || !may_go_beside(this.shared, this.attempt) {
                            return Poll::Pending;
                        }
                        let rest = this.take_rest();
                        this.rest.put(rest);
                    }
                }
            }
        }
        let Some(rest) = this.rest.as_mut() else {
            panic!("a call was polled after it was over");
        };
        let step = rest.proceed(this.shared, this.op, this.attempt, this.permit, cx);
        if let Step::Done(outcome) = step {
            this.first.set(None);
            *this.permit = None;
            drop(this.rest.take());
            return Poll::Ready(outcome);
        }
        Poll::Pending
    }
}

impl<'p, Op: Operation> Projection<'_, 'p, Op> {
    fn take_rest(&mut self) -> Box<Rest<'p, Op>> {
        self.rest.take().unwrap_or_else(|| {
            let sent = self.permit.as_ref().map(|permit| permit.sent);
            let (at, due) = sent.map_or((0, u64::MAX), |sent| (sent.at, sent.due));
            Box::new(Rest::started(at, due))
        })
    }
}

impl<Op: Operation> fmt::Debug for CongestionFuture<'_, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CongestionFuture")
            .field("control", self.shared.reporter.name())
            .finish_non_exhaustive()
    }
}
