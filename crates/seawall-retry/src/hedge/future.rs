//! A call with a hedge around it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project::pin_project;
use seawall_core::{
    Attempt, ByClass, Class, ColdOption, Error, EventKind, Judge, Operation, StopReason, supersede,
};
use tokio::time::Instant;

use super::Hedge;
use super::config::After;
use super::hedges::Hedges;
use super::plan::Progress;
use crate::shared::FailedAttempt;
use crate::{BudgetPermit, CallInFlight};

/// A call with a [`Hedge`] around it.
#[pin_project(project = HedgeProjection)]
#[must_use = "futures do nothing unless polled"]
pub struct HedgeFuture<'p, Op: Operation, J = ByClass> {
    hedge: &'p Hedge<J>,
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

type HedgesOf<'p, Op> =
    Hedges<'p, <Op as Operation>::Future, <Op as Operation>::Output, <Op as Operation>::Error>;

type Outcome<Op> = Result<<Op as Operation>::Output, Error<<Op as Operation>::Error>>;

/// Whether an attempt's outcome of this class is the call's, though others are under way: it is an
/// answer, which the others will not better.
const fn is_answer(class: Class) -> bool {
    matches!(class, Class::Success | Class::Permanent)
}

impl<'p, Op: Operation, J> HedgeFuture<'p, Op, J> {
    #[inline]
    pub(super) fn start(hedge: &'p Hedge<J>, mut op: Op, attempt: Attempt) -> Self {
        let attempt = attempt.numbered(1, hedge.plan.max_attempts);
        let paid = hedge.shared.pay_in();
        let in_flight = hedge.shared.enter();
        let primary = Some(op.attempt(attempt));
        Self { hedge, op, attempt, in_flight, paid, primary, hedges: ColdOption::none() }
    }
}

impl<Op, J> Future for HedgeFuture<'_, Op, J>
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
        let mut this = self.as_mut().project();
        // Small, so that it is inlined: what happens to a call that is ready at once.
        if this.hedges.as_ref().is_none()
            && let Some(primary) = this.primary.as_mut().as_pin_mut()
        {
            let paid = this.hedge.shared.note_paid(*this.paid);
            let polled = primary.poll(cx);
            drop(paid);
            let Poll::Ready(outcome) = polled else {
                this.begin();
                return self.proceed(true, cx);
            };
            let class = this.hedge.shared.class(&outcome);
            this.primary.set(None);
            if class == Class::Success {
                this.hedge.record(Duration::ZERO);
                return Poll::Ready(outcome);
            }
            this.begin();
            if let Some(outcome) = this.settle(None, FailedAttempt { outcome, class }) {
                return Poll::Ready(outcome);
            }
        }
        self.proceed(false, cx)
    }
}

impl<Op, J> HedgeFuture<'_, Op, J>
where
    Op: Operation,
    J: Judge<Op::Output, Op::Error>,
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

impl<'p, Op, J> HedgeProjection<'_, 'p, Op, J>
where
    Op: Operation,
    J: Judge<Op::Output, Op::Error>,
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
        let _paid = self.hedge.shared.note_paid(*self.paid);
        if let Some(primary) = self.primary.as_mut().as_pin_mut()
            && let Poll::Ready(outcome) = primary.poll(cx)
        {
            self.primary.set(None);
            let class = self.hedge.shared.class(&outcome);
            let settled = self.settle(None, FailedAttempt { outcome, class });
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
            let class = self.hedge.shared.class(&outcome);
            let settled = self.settle(Some(index), FailedAttempt { outcome, class });
            if settled.is_some() {
                return settled;
            }
        }
        None
    }

    /// An attempt is over: the primary, or the other at an index. Gives its outcome if that is the
    /// call's.
    fn settle(
        &mut self,
        other: Option<usize>,
        over: FailedAttempt<Op::Output, Op::Error>,
    ) -> Option<Outcome<Op>> {
        let hedges = self.hedges();
        if let Some(index) = other {
            // What it held is given back.
            drop(hedges.in_flight.remove(index));
        }
        if is_answer(over.class) {
            return Some(self.answer(over));
        }
        hedges.failed(other.is_none(), over);
        None
    }

    /// Launches the next attempt if it is time; says whether one was.
    fn launches(&mut self, cx: &mut Context<'_>) -> bool {
        let progress = self.progress();
        if !self.hedge.plan.may_launch(progress) {
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
        let hedge: &'p Hedge<J> = self.hedge;
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
            self.attempt.numbered(number, self.hedge.plan.max_attempts).restart_clock();
        if let Some(class) = self.hedges().last {
            attempt = attempt.after(class);
        }
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
            return Some(primary.outcome);
        }
        Some(self.give_up(primary, why))
    }

    /// The call's outcome after one attempt has answered.
    fn answer(&mut self, over: FailedAttempt<Op::Output, Op::Error>) -> Outcome<Op> {
        let launched = self.hedges().launched;
        if over.class == Class::Success {
            if matches!(self.hedge.after, After::Percentile(_)) {
                // The primary's, even if another was faster: it took that long at least.
                self.hedge.record(Instant::now().saturating_duration_since(self.attempt.began()));
            }
        } else if launched > 1 {
            return self.give_up(over, StopReason::Permanent);
        }
        self.drop_losers();
        over.outcome
    }

    /// Before the caller resumes.
    fn drop_losers(&mut self) {
        supersede(|| {
            self.primary.set(None);
            drop(self.hedges.take());
        });
    }

    fn give_up(
        &mut self,
        failed: FailedAttempt<Op::Output, Op::Error>,
        why: StopReason,
    ) -> Outcome<Op> {
        let hedges = self.hedges();
        let attempts = hedges.launched;
        let history = hedges.take_failures();
        self.drop_losers();
        self.hedge.shared.give_up(why, *self.attempt, attempts, failed, |gave_up| {
            gave_up.history = history;
        })
    }
}

impl<J> Hedge<J> {
    fn record(&self, latency: Duration) {
        if let After::Percentile(latencies) = &self.after {
            latencies.record(latency);
        }
    }
}

impl<Op: Operation, J> fmt::Debug for HedgeFuture<'_, Op, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeFuture")
            .field("hedge", self.hedge.name())
            .field("launched", &self.hedges.as_ref().map_or(1, |hedges| hedges.launched))
            .finish_non_exhaustive()
    }
}
