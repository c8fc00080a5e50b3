//! A call with a hedge around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{
    Attempt, CarriedOut, Class, ColdOption, Counted, Error, EventKind, Operation, StopReason,
    supersede,
};
use tokio::time::Instant;

use super::Hedge;
use super::config::After;
use super::hedges::Hedges;
use super::plan::Progress;
use crate::{BudgetPermit, CallInFlight};

/// A call with a [`Hedge`] around it.
#[pin_project(project = HedgeProjection)]
#[must_use = "futures do nothing unless polled"]
pub struct HedgeFuture<'p, Op: Operation> {
    hedge: &'p Hedge,
    op: Op,
    // The primary. Began when the call began, once that is known.
    attempt: Attempt,
    in_flight: CallInFlight<'p>,
    // Whether calls inside must not pay into the budget.
    paid: bool,
    #[pin]
    primary: Option<Op::Future>,
    // Made when the primary is pending or failed: a call that is ready at once needs none of it.
    hedges: ColdOption<Box<HedgesOf<'p, Op>>>,
}

type HedgesOf<'p, Op> = Hedges<'p, <Op as Operation>::Future, <Op as Operation>::Error>;

type Outcome<Op> = Result<<Op as Operation>::Output, Error<<Op as Operation>::Error>>;

impl<'p, Op: Operation> HedgeFuture<'p, Op> {
    #[inline]
    pub(super) fn start(hedge: &'p Hedge, mut op: Op, attempt: Attempt) -> Self {
        let attempt = attempt.numbered(1, hedge.plan.load().max_attempts);
        let paid = hedge.shared.pay_in();
        let in_flight = hedge.shared.enter();
        let primary = Some(op.attempt(attempt));
        Self { hedge, op, attempt, in_flight, paid, primary, hedges: ColdOption::none() }
    }
}

impl<Op> Future for HedgeFuture<'_, Op>
where
    Op: Operation,
{
    type Output = Outcome<Op>;

    /// # Panics
    ///
    /// When polled after it was ready, and outside of a tokio runtime with a timer when there is a
    /// delay to wait for.
    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.as_mut().project();
        // Small, so that it is inlined: what happens to a call that is ready at once.
        if this.hedges.as_ref().is_none()
            && let Some(primary) = this.primary.as_mut().as_pin_mut()
        {
            let inside = if *this.paid { this.hedge.shared.mark() } else { None };
            let polled = primary.poll(cx);
            drop(inside);
            let Poll::Ready(outcome) = polled else {
                this.begin();
                return self.proceed(true, cx);
            };
            this.primary.set(None);
            let failed = match outcome {
                Ok(output) => {
                    this.hedge.record(Duration::ZERO);
                    return Poll::Ready(Ok(output));
                }
                Err(failed) => failed,
            };
            this.begin();
            if let Some(outcome) = this.settle(None, Err(failed)) {
                return Poll::Ready(outcome);
            }
        }
        self.proceed(false, cx)
    }
}

impl<Op> HedgeFuture<'_, Op>
where
    Op: Operation,
{
    /// Goes on with what is under way, which was `polled` just now or not.
    fn proceed(self: Pin<&mut Self>, mut polled: bool, cx: &mut Context<'_>) -> Poll<Outcome<Op>> {
        let mut this = self.project();
        loop {
            // Before the timer: an outcome that is there when the time runs out launches nothing.
            if !std::mem::take(&mut polled)
                && let Some(outcome) = this.poll_attempts(cx)
            {
                return Poll::Ready(outcome);
            }
            if this.launches(cx) {
                continue;
            }
            return match this.all_failed() {
                Some(outcome) => Poll::Ready(outcome),
                None => Poll::Pending,
            };
        }
    }
}

impl<'p, Op> HedgeProjection<'_, 'p, Op>
where
    Op: Operation,
{
    /// The primary was pending or failed: from now on it matters how long things take.
    fn begin(&mut self) {
        self.attempt.began();
        let forbidden = self.attempt.is_idempotent() == Some(false);
        let mut hedges = Hedges::new(forbidden.then_some(StopReason::Permanent));
        hedges.arm(self.hedge, self.attempt);
        self.hedges.put(Box::new(hedges));
    }

    /// Polls all attempts, the primary first. Gives the call's outcome, if there is one.
    fn poll_attempts(&mut self, cx: &mut Context<'_>) -> Option<Outcome<Op>> {
        let _inside = if *self.paid { self.hedge.shared.mark() } else { None };
        if let Some(primary) = self.primary.as_mut().as_pin_mut()
            && let Poll::Ready(outcome) = primary.poll(cx)
        {
            self.primary.set(None);
            let settled = self.settle(None, outcome);
            if settled.is_some() {
                return settled;
            }
        }
        let mut index = 0;
        while let Some(other) = self.hedges().in_flight.get_mut(index) {
            let Poll::Ready(outcome) = other.future.as_mut().poll(cx) else {
                index += 1;
                continue;
            };
            let settled = self.settle(Some(index), outcome);
            if settled.is_some() {
                return settled;
            }
        }
        None
    }

    /// An attempt is over: the primary, or the other at an index. Gives its outcome if that is the
    /// call's.
    fn settle(&mut self, other: Option<usize>, outcome: Outcome<Op>) -> Option<Outcome<Op>> {
        let hedges = self.hedges();
        if let Some(index) = other {
            // What it held is given back.
            drop(hedges.in_flight.remove(index));
        }
        match outcome {
            Ok(output) => Some(Ok(self.succeed(output))),
            Err(error) if error.class() == Class::Permanent => Some(Err(self.end_with(error))),
            Err(error) => {
                hedges.failed(other.is_none(), error);
                None
            }
        }
    }

    /// Launches the next attempt if it is time; says whether one was.
    fn launches(&mut self, cx: &mut Context<'_>) -> bool {
        let progress = self.progress();
        if !self.hedge.plan.load().may_launch(progress) {
            return false;
        }
        let hedges = self.hedges();
        let due = hedges.due || progress.in_flight > 0 && hedges.poll_timer(cx).is_ready();
        if !due {
            return false;
        }
        let permit = match self.admit() {
            Ok(permit) => permit,
            Err(why) => {
                self.hedges().stopped = Some(why);
                return false;
            }
        };
        self.launch(permit);
        true
    }

    /// Whether another attempt may start, and what it took from the budget.
    fn admit(&self) -> Result<Option<BudgetPermit<'p>>, StopReason> {
        let hedge: &'p Hedge = self.hedge;
        if hedge.shared.is_shutting_down() {
            return Err(StopReason::Shutdown);
        }
        if self.attempt.time_left() == Some(Duration::ZERO) {
            return Err(StopReason::Deadline);
        }
        if !self.op.is_repeatable() {
            return Err(StopReason::NotRepeatable);
        }
        let Some(budget) = &hedge.shared.budget else { return Ok(None) };
        let mut permit = budget.try_acquire().ok_or(StopReason::Budget)?;
        permit.start();
        Ok(Some(permit))
    }

    fn launch(&mut self, permit: Option<BudgetPermit<'p>>) {
        let number = self.hedges().launched + 1;
        let mut attempt =
            self.attempt.numbered(number, self.hedge.plan.load().max_attempts).restart_clock();
        if let Some(verdict) = self.hedges().last {
            attempt = attempt.after(verdict);
        }
        self.hedge.shared.reporter.count(Counted::Hedged);
        self.hedge.shared.reporter.report(|| EventKind::hedged(number));
        *self.paid = true;
        let future = Box::pin(self.op.attempt(attempt));
        let hedge = *self.hedge;
        let hedges = self.hedges();
        hedges.add(number, future, permit);
        hedges.arm(hedge, &attempt);
    }

    fn progress(&mut self) -> Progress {
        let primary = self.primary.is_some();
        self.hedges().progress(primary)
    }

    fn hedges(&mut self) -> &mut HedgesOf<'p, Op> {
        self.hedges.as_mut().expect("a hedge was polled after it was over")
    }

    /// The call's outcome, if no attempt is under way after [`launches`](Self::launches): the
    /// primary's failure.
    fn all_failed(&mut self) -> Option<Outcome<Op>> {
        let progress = self.progress();
        let hedges = self.hedges();
        if progress.in_flight > 0 {
            return None;
        }
        let primary = hedges.primary.take().expect("the primary is over, as nothing is under way");
        let why = hedges.why_over();
        // Nothing is said of a hedge that never came into play.
        let silent = matches!(why, StopReason::Permanent | StopReason::Attempts);
        if progress.launched == 1 && silent {
            drop(self.hedges.take());
            return Some(Err(primary));
        }
        Some(Err(self.give_up(primary, why)))
    }

    /// An attempt succeeded, which ends the call.
    fn succeed(&mut self, output: Op::Output) -> Op::Output {
        if matches!(self.hedge.after, After::Percentile(_)) {
            // The primary's, even if another was faster: it took that long at least.
            self.hedge.record(Instant::now().saturating_duration_since(self.attempt.began()));
        }
        self.drop_losers();
        output
    }

    /// An attempt failed for good, which ends the call: the others will not better it.
    fn end_with(&mut self, error: Error<Op::Error>) -> Error<Op::Error> {
        if self.hedges().launched > 1 {
            return self.give_up(error, StopReason::Permanent);
        }
        self.drop_losers();
        error
    }

    /// Before the caller resumes.
    fn drop_losers(&mut self) {
        supersede(|| {
            self.primary.set(None);
            drop(self.hedges.take());
        });
    }

    fn give_up(&mut self, last: Error<Op::Error>, why: StopReason) -> Error<Op::Error> {
        let hedges = self.hedges();
        let attempts = hedges.launched;
        let failures = hedges.take_failures();
        self.drop_losers();
        self.hedge.shared.give_up(why, *self.attempt, attempts, last, |gave_up| {
            // Of an attempt that was under way and is dropped now nobody knows.
            let known = failures.len() + 1 == attempts as usize;
            let others = failures.iter().map(Error::carried_out).max();
            let others = if known { others } else { Some(CarriedOut::Maybe) };
            gave_up.carried_out =
                others.map_or(gave_up.carried_out, |it| it.max(gave_up.carried_out));
            gave_up.history = failures;
        })
    }
}

impl Hedge {
    fn record(&self, latency: Duration) {
        if let After::Percentile(latencies) = &self.after {
            latencies.record(latency);
        }
    }
}

impl<Op: Operation> fmt::Debug for HedgeFuture<'_, Op> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeFuture")
            .field("hedge", self.hedge.name())
            .field("launched", &self.hedges.as_ref().map_or(1, |hedges| hedges.launched))
            .finish_non_exhaustive()
    }
}
