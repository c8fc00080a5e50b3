//! What a call carries from attempt to attempt. Shared by the async and the blocking form.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use seawall_core::{Attempt, Counted, Error, EventKind, PanicReport, StopReason, Verdict};
use tokio::time::Instant;

use super::Retry;
use super::live::InForce;
use super::plan::{Cause, FailedAttempt, Step};
use super::wait::{Wait, Waited};
use crate::{Budget, BudgetPermit, CallInFlight};

/// After how many attempts without a wait other tasks get a turn. With fewer the executor is asked
/// too often; with many more, an operation that fails at once and is repeated without limit and
/// delay would block its thread.
const ATTEMPTS_PER_TURN: u32 = 32;

/// What a call carries from attempt to attempt.
///
/// Passed by value, never by reference: a reference to any part of a future keeps all of it in
/// memory, on the path of calls that succeed at once, too.
pub(super) struct RetryState<'p, E> {
    // Allocated when there is something to keep.
    pub(super) kept: Option<Box<Kept<'p, E>>>,
}

/// What is kept between two attempts.
pub(super) struct Kept<'p, E> {
    pub(super) wait: Option<Pin<Box<Wait<'p, E>>>>,
    /// What the repetition that is under way or waited for took from the budget.
    permit: Option<BudgetPermit<'p>>,
    /// The rules by which the call goes on.
    rules: Option<InForce<'p>>,
    /// What was drawn for the last delay.
    drawn: Option<Duration>,
    /// The last failure that was not a refusal by one of our own policies. Empty where there is a
    /// history, which has it. Not worth an allocation, unless somebody listens.
    before: Option<Error<E>>,
    /// Errors of attempts, each with the wait that followed.
    history: VecDeque<(Error<E>, Duration)>,
    panic: Option<PanicReport>,
    same_panics: u32,
    _in_flight: Option<CallInFlight<'p>>,
}

/// What follows a failed attempt.
pub(super) enum Next<'p, E> {
    /// Another attempt, after one that ended with this.
    Attempt(RetryState<'p, E>, Verdict),
    /// A wait for it, which began now.
    Wait(RetryState<'p, E>, Instant),
    /// The end of the call.
    Done(Error<E>),
}

impl<'p, E> RetryState<'p, E> {
    /// The state of a call that counts as in flight, where the budget of `retry` counts that.
    #[cold]
    pub(super) fn in_flight(retry: &'p Retry) -> Self {
        let call = retry.shared.budget.as_ref().and_then(Budget::enter);
        Self { kept: call.map(|call| Box::new(Kept { _in_flight: Some(call), ..Kept::default() })) }
    }

    /// What follows `attempt`, which failed.
    #[cold]
    pub(super) fn after(
        mut self,
        retry: &'p Retry,
        mut attempt: Attempt,
        failed: Error<E>,
        is_repeatable: bool,
        cx: &mut Context<'_>,
    ) -> Next<'p, E> {
        if self.kept.is_none() {
            self = Self::in_flight(retry);
        }
        let verdict = failed.verdict();
        let delay = match self.decide(retry, &attempt, &failed, verdict, is_repeatable) {
            Step::Pass => return Next::Done(failed),
            Step::Stop(why) => return Next::Done(self.give_up(retry, attempt, failed, why)),
            Step::Repeat { delay, .. } => delay,
        };
        if delay.is_zero() && !attempt.number().is_multiple_of(ATTEMPTS_PER_TURN) {
            self.advance(retry, failed, delay);
            return Next::Attempt(self, verdict);
        }
        let began = attempt.began();
        let mut wait = Wait::new(delay, retry.shared.shutdown.as_ref(), failed);
        match wait.as_mut().poll(cx) {
            Poll::Ready(waited) => match self.after_wait(retry, attempt, waited) {
                Ok((state, verdict)) => Next::Attempt(state, verdict),
                Err(error) => Next::Done(error),
            },
            Poll::Pending => {
                self.kept().wait = Some(wait);
                Next::Wait(self, began)
            }
        }
    }

    /// What follows the wait for the attempt after `attempt`: that attempt, after one that ended
    /// with the verdict that is returned, or the end of the call.
    #[cold]
    pub(super) fn after_wait(
        mut self,
        retry: &'p Retry,
        attempt: Attempt,
        waited: Waited<E>,
    ) -> Result<(Self, Verdict), Error<E>> {
        let Waited { failed, delay, stopped } = waited;
        if let Some(kept) = &mut self.kept {
            kept.wait = None;
        }
        if let Some(why) = stopped.or_else(|| overslept(&attempt)) {
            return Err(self.give_up(retry, attempt, failed, why));
        }
        let verdict = failed.verdict();
        self.advance(retry, failed, delay);
        Ok((self, verdict))
    }

    /// What to do after `attempt`, which failed: what the [plan](super::plan) says, unless a
    /// shutdown, the user's predicate or the budget forbids another.
    fn decide(
        &mut self,
        retry: &'p Retry,
        attempt: &Attempt,
        last: &Error<E>,
        verdict: Verdict,
        is_repeatable: bool,
    ) -> Step {
        let drawn = self.kept.as_mut().and_then(|kept| {
            // The attempt is over: its place in flight is free.
            kept.permit = None;
            kept.drawn
        });
        let failed = FailedAttempt {
            attempt: attempt.number(),
            verdict,
            cause: self.cause(last),
            idempotent: attempt.is_idempotent(),
            drawn,
            time_left: attempt.time_left(),
        };
        let begun = self.kept.as_mut().and_then(|kept| kept.rules.take());
        let rules = begun.unwrap_or_else(|| retry.live.rules());
        let step = rules.plan.next(&failed, &retry.random);
        let Step::Repeat { delay, drawn, paid } = step else { return step };
        if retry.shared.is_shutting_down() {
            return Step::Stop(StopReason::Shutdown);
        }
        if retry.forbids(&rules, attempt, verdict.class) {
            return failed.end();
        }
        if !is_repeatable {
            return Step::Stop(StopReason::NotRepeatable);
        }
        if let (true, Some(budget)) = (paid, &retry.shared.budget) {
            let Some(permit) = budget.try_acquire() else { return Step::Stop(StopReason::Budget) };
            self.keep_permit(permit, delay);
        }
        if !drawn.is_zero() {
            self.kept().drawn = Some(drawn);
        }
        // What was decided by some rules goes on by them.
        if let Some(kept) = &mut self.kept {
            kept.rules = Some(rules);
        }
        let class = verdict.class;
        retry.shared.reporter.count(Counted::Retried(class));
        retry.shared.reporter.report(|| EventKind::retrying(failed.attempt, class, delay));
        step
    }

    /// Keeps a permit for as long as there is something to give back.
    fn keep_permit(&mut self, mut permit: BudgetPermit<'p>, delay: Duration) {
        if delay.is_zero() {
            permit.start();
        }
        if permit.gives_back() {
            self.kept().permit = Some(permit);
        }
    }

    fn cause(&mut self, error: &Error<E>) -> Cause {
        match error {
            Error::Operation { .. } => Cause::Other,
            error => self.policy_cause(error),
        }
    }

    #[cold]
    fn policy_cause(&mut self, error: &Error<E>) -> Cause {
        match error.last() {
            Error::Rejected(rejection) => Cause::refusal(rejection),
            Error::Panicked(panicked) => Cause::Panic { same: self.count_panic(&panicked.report) },
            _ => Cause::Other,
        }
    }

    /// How often this panic has come, with no other in between.
    fn count_panic(&mut self, report: &PanicReport) -> u32 {
        let kept = self.kept();
        let same = kept.panic.as_ref().is_some_and(|before| {
            (&before.message, &before.location) == (&report.message, &report.location)
        });
        if same {
            kept.same_panics = kept.same_panics.saturating_add(1);
        } else {
            kept.panic = Some(report.clone());
            kept.same_panics = 1;
        }
        kept.same_panics
    }

    /// Makes the next attempt the current one, after a wait of `delay`.
    #[inline]
    fn advance(&mut self, retry: &Retry, last: Error<E>, delay: Duration) {
        // An `Ok` is kept always: the caller gets it where the next attempt is refused.
        let keeps = self.kept.is_some()
            || retry.live.history() > 0
            || retry.shared.reporter.is_heard()
            || last.is_answer();
        if keeps {
            self.keep(retry.live.history(), last, delay);
        }
    }

    #[cold]
    fn keep(&mut self, history: usize, error: Error<E>, delay: Duration) {
        let kept = self.kept();
        if let Some(permit) = &mut kept.permit {
            permit.start();
        }
        match error {
            error if history > 0 => {
                while kept.history.len() >= history {
                    kept.history.pop_front();
                }
                kept.history.push_back((error, delay));
            }
            // A refusal that was waited for says nothing about the dependency.
            Error::Rejected(_) => {}
            error => kept.before = Some(error),
        }
    }

    fn kept(&mut self) -> &mut Kept<'p, E> {
        self.kept.get_or_insert_default()
    }

    /// What the caller gets.
    #[cold]
    pub(super) fn give_up(
        self,
        retry: &Retry,
        attempt: Attempt,
        last: Error<E>,
        why: StopReason,
    ) -> Error<E> {
        let mut error = retry.shared.give_up(why, attempt, attempt.number(), last, |gave_up| {
            let Some(kept) = self.kept else { return };
            if why == StopReason::Rejected {
                gave_up.before = kept.before;
            }
            (gave_up.history, gave_up.delays) = kept.history.into_iter().unzip();
        });
        if retry.is_due_by_itself(attempt) {
            error.name_time_limit(retry.name());
        }
        error
    }
}

impl<E> Default for Kept<'_, E> {
    fn default() -> Self {
        Self {
            wait: None,
            permit: None,
            rules: None,
            drawn: None,
            before: None,
            history: VecDeque::new(),
            panic: None,
            same_panics: 0,
            _in_flight: None,
        }
    }
}

/// Why no attempt follows `attempt` though it was waited for: timers have steps, and executors are
/// held up.
pub(super) fn overslept(attempt: &Attempt) -> Option<StopReason> {
    (attempt.time_left() == Some(Duration::ZERO)).then_some(StopReason::Deadline)
}
