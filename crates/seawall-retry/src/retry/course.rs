//! What a call carries from attempt to attempt, once one has failed. Shared by the async and the
//! blocking form.

use std::collections::VecDeque;
use std::time::Duration;

use seawall_core::{Attempt, Class, Error, GaveUp, PanicReport, PolicyKind, StopReason};
use tokio::time::Instant;

use super::Retry;
use super::plan::{Failed, Plan, Refused, Step};
use crate::BudgetPermit;

/// What the last attempt came to, and what that meant.
pub(super) struct Last<T, E> {
    pub(super) outcome: Result<T, Error<E>>,
    pub(super) class: Class,
}

impl<T, E> Last<T, E> {
    /// The operation's own error and what it came with, if that is what it is.
    #[inline]
    pub(super) fn own_error(self) -> Result<(E, Class), Self> {
        match self.outcome {
            Err(Error::Operation { error, class, .. }) => Ok((error, class)),
            outcome => Err(Self { outcome, class: self.class }),
        }
    }
}

/// Why there is no attempt after `attempt`, though it was waited for: who wakes up from a wait may
/// have overslept.
pub(super) fn overslept(attempt: &Attempt) -> Option<StopReason> {
    (attempt.time_left() == Some(Duration::ZERO)).then_some(StopReason::Deadline)
}

/// What a call carries from attempt to attempt, once one has failed.
pub(super) struct Course<'p, E> {
    // What the repetition that is under way or waited for took from the budget.
    permit: Option<BudgetPermit<'p>>,
    delay: Option<Duration>,
    // What was drawn for it.
    drawn: Option<Duration>,
    // What the last attempt came to that was not refused by one of our own policies, unless the
    // history has it.
    before: Option<Error<E>>,
    // Made when there is something to remember.
    trail: Option<Box<Trail<E>>>,
}

struct Trail<E> {
    // What attempts came to, each with the wait that followed.
    history: VecDeque<(Error<E>, Duration)>,
    panic: Option<PanicReport>,
    same_panics: u32,
}

impl<E> Default for Course<'_, E> {
    fn default() -> Self {
        Self { permit: None, delay: None, drawn: None, before: None, trail: None }
    }
}

impl<E> Default for Trail<E> {
    fn default() -> Self {
        Self { history: VecDeque::new(), panic: None, same_panics: 0 }
    }
}

impl<'p, E> Course<'p, E> {
    /// What to do after `attempt`, which came to `last`.
    pub(super) fn decide<T, J>(
        &mut self,
        retry: &'p Retry<J>,
        attempt: &mut Attempt,
        last: &Last<T, E>,
    ) -> Step {
        attempt.began();
        let error = last.outcome.as_ref().err();
        let failed = Failed {
            attempt: attempt.number(),
            class: last.class,
            refused: error.and_then(Error::rejection).map(Refused::from),
            idempotent: attempt.is_idempotent(),
            same_panics: error
                .and_then(Error::panicked)
                .map_or(0, |panicked| self.count_panic(&panicked.report)),
            drawn: self.drawn,
            time_left: attempt.time_left(),
        };
        // The attempt is over: its place in flight is free.
        self.permit = None;
        let step = retry.plan.next(&failed, &retry.random);
        let Step::Repeat { delay, drawn, paid } = step else { return step };
        if retry.is_shutting_down() {
            return Step::Stop(StopReason::Shutdown);
        }
        if retry.forbids(attempt, failed.class) {
            return Plan::end(&failed);
        }
        if let (true, Some(budget)) = (paid, &retry.budget) {
            self.permit = budget.try_take();
            if self.permit.is_none() {
                return Step::Stop(StopReason::Budget);
            }
        }
        (self.delay, self.drawn) = (Some(delay), Some(drawn));
        retry.tell_retrying(failed.attempt, failed.class, delay);
        step
    }

    fn count_panic(&mut self, report: &PanicReport) -> u32 {
        let trail = self.trail.get_or_insert_default();
        let same = trail.panic.as_ref().is_some_and(|before| {
            (&before.message, &before.location) == (&report.message, &report.location)
        });
        if same {
            trail.same_panics = trail.same_panics.saturating_add(1);
        } else {
            trail.panic = Some(report.clone());
            trail.same_panics = 1;
        }
        trail.same_panics
    }

    /// Makes `attempt` the next one, and gives what the operation is told of it.
    pub(super) fn advance<T, J>(
        &mut self,
        retry: &Retry<J>,
        attempt: &mut Attempt,
        last: Last<T, E>,
    ) -> Attempt {
        match last.outcome {
            Err(error) if retry.history > 0 => self.remember(retry.history, error),
            // Waited for: what came before it is what is known of the dependency.
            Err(Error::Rejected(_)) | Ok(_) => {}
            Err(error) => self.before = Some(error),
        }
        if let Some(permit) = &mut self.permit {
            permit.start();
        }
        let number = attempt.number().saturating_add(1);
        *attempt = attempt.numbered(number, retry.plan.max_attempts).after(last.class);
        attempt.restart_clock()
    }

    fn remember(&mut self, capacity: usize, error: Error<E>) {
        let history = &mut self.trail.get_or_insert_default().history;
        if history.len() == capacity {
            history.pop_front();
        }
        history.push_back((error, self.delay.unwrap_or_default()));
    }

    /// What the caller gets.
    #[cold]
    pub(super) fn give_up<T, J>(
        self,
        retry: &Retry<J>,
        attempt: &mut Attempt,
        last: Last<T, E>,
        why: StopReason,
    ) -> Result<T, Error<E>> {
        let attempts = attempt.number();
        retry.tell_gave_up(attempts, why, last.class);
        let error = match last.outcome {
            Err(error) => error,
            // The judge made a failure of a success. It is what there is.
            success => return success,
        };
        let elapsed = Instant::now().saturating_duration_since(attempt.began());
        let name = retry.name.clone();
        let mut gave_up = GaveUp::new(name, PolicyKind::Retry, why, attempts, elapsed, error)
            .out_of(attempt.max());
        if why == StopReason::Rejected {
            gave_up.before = self.before;
        }
        if let Some(trail) = self.trail {
            (gave_up.history, gave_up.delays) = trail.history.into_iter().unzip();
        }
        Err(Error::from(gave_up))
    }
}
