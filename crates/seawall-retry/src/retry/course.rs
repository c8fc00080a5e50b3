//! What one call carries from attempt to attempt. Shared by the async and the blocking form.

use std::collections::VecDeque;
use std::time::Duration;

use seawall_core::{Attempt, Class, Error, GaveUp, PanicReport, PolicyKind, StopReason};
use tokio::time::Instant;

use super::Retry;
use super::plan::{Failed, Refused, Step};
use super::wait::Last;

/// What one call carries from attempt to attempt.
pub(super) struct Course<E> {
    // Began when the call began, once that is known.
    attempt: Attempt,
    delay: Option<Duration>,
    // Made when there is something to remember, so that calls which don't fail don't carry it.
    trail: Option<Box<Trail<E>>>,
}

struct Trail<E> {
    history: VecDeque<Error<E>>,
    panic: Option<PanicReport>,
    same_panics: u32,
}

impl<E> Default for Trail<E> {
    fn default() -> Self {
        Self { history: VecDeque::new(), panic: None, same_panics: 0 }
    }
}

impl<E> Course<E> {
    #[inline]
    pub(super) fn begin<J>(retry: &Retry<J>, attempt: Attempt) -> Self {
        let mut attempt = attempt.numbered(1, retry.plan.max_attempts);
        if let Some(limit) = retry.deadline {
            // A deadline that no clock will ever reach is none.
            if let Some(deadline) = attempt.began().checked_add(limit) {
                attempt = attempt.due_by(deadline);
            }
        }
        Self { attempt, delay: None, trail: None }
    }

    /// The attempt that is under way or comes next.
    #[inline]
    pub(super) fn attempt(&self) -> Attempt {
        self.attempt
    }

    /// Notes when the call began. Until it is pending or fails for the first time, no time has
    /// passed but that of one synchronous poll, so a call that succeeds at once reads no clock.
    #[inline]
    pub(super) fn note_began(&mut self) {
        self.attempt.began();
    }

    /// What to do after an attempt that came to `outcome`, which means `class` and is no success.
    pub(super) fn decide<T, J>(
        &mut self,
        retry: &Retry<J>,
        outcome: &Result<T, Error<E>>,
        class: Class,
    ) -> Step {
        self.note_began();
        let error = outcome.as_ref().err();
        let idempotent = self.attempt.is_idempotent();
        let step = retry.plan.next(
            &Failed {
                attempt: self.attempt.number(),
                class,
                refused: error.and_then(Error::rejection).map(Refused::from),
                idempotent,
                forbidden: retry.plan.repeats(class, idempotent)
                    && retry.forbids(&self.attempt, class),
                same_panics: error
                    .and_then(Error::panicked)
                    .map_or(0, |panicked| self.count_panic(&panicked.report)),
                previous: self.delay,
                time_left: self.attempt.time_left(),
            },
            &retry.random,
        );
        match step {
            Step::Repeat { .. } if retry.is_shutting_down() => Step::Stop(StopReason::Shutdown),
            Step::Repeat { delay, .. } => {
                self.delay = Some(delay);
                retry.tell_retrying(self.attempt.number(), class, delay);
                step
            }
            _ => step,
        }
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

    /// The next attempt.
    pub(super) fn advance<T, J>(&mut self, retry: &Retry<J>, last: Last<T, E>) -> Attempt {
        if retry.history > 0
            && let Err(error) = last.outcome
        {
            let history = &mut self.trail.get_or_insert_default().history;
            if history.len() == retry.history {
                history.pop_front();
            }
            history.push_back(error);
        }
        let number = self.attempt.number().saturating_add(1);
        self.attempt = self.attempt.numbered(number, retry.plan.max_attempts).after(last.class);
        self.attempt.restart_clock()
    }

    /// What the caller gets.
    #[cold]
    pub(super) fn give_up<T, J>(
        &mut self,
        retry: &Retry<J>,
        last: Last<T, E>,
        why: StopReason,
    ) -> Result<T, Error<E>> {
        let attempts = self.attempt.number();
        retry.tell_gave_up(attempts, why, last.class);
        let error = match last.outcome {
            Err(error) => error,
            // The judge made a failure of a success. It is what there is.
            success => return success,
        };
        let elapsed = Instant::now().saturating_duration_since(self.attempt.began());
        let name = retry.name.clone();
        let mut gave_up = GaveUp::new(name, PolicyKind::Retry, why, attempts, elapsed, error)
            .out_of(self.attempt.max());
        if let Some(trail) = self.trail.take() {
            gave_up.history = trail.history.into();
        }
        Err(Error::GaveUp(Box::new(gave_up)))
    }
}
