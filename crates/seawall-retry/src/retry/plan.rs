//! The decision: repeat after a delay, stop, or return the outcome as it is.

use std::time::Duration;

use seawall_core::{
    Backoff, CarriedOut, Class, Jitter, Random, Reason, Rejection, StopReason, Verdict,
};

/// The settings of a retry that the decision depends on.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The first call included; 0 is unlimited.
    pub(crate) max_attempts: u32,
    pub(crate) idempotent: bool,
    pub(crate) wait_for_rejections: bool,
    /// How often the same panic may come.
    pub(crate) max_same_panics: u32,
    pub(crate) max_retry_after: Duration,
    pub(crate) backoff: Backoff,
}

/// An attempt that did not succeed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FailedAttempt {
    /// Its number.
    pub(crate) attempt: u32,
    pub(crate) verdict: Verdict,
    pub(crate) cause: Cause,
    /// What the caller said about repeating this operation.
    pub(crate) idempotent: Option<bool>,
    /// What was drawn for the delay before it.
    pub(crate) drawn: Option<Duration>,
    /// The time until the deadline, if there is one.
    pub(crate) time_left: Option<Duration>,
}

/// What ended an attempt, apart from its class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// One of our own policies refused it.
    Refusal { shutting_down: bool, retry_after: Option<Duration> },
    /// It panicked. The same panic has come this often, with no other in between.
    Panic { same: u32 },
    /// Anything else.
    Other,
}

impl Cause {
    pub(crate) fn refusal(rejection: &Rejection) -> Self {
        Self::Refusal {
            shutting_down: rejection.reason() == Reason::ShuttingDown,
            retry_after: rejection.retry_after(),
        }
    }
}

/// What to do after an attempt that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Return the outcome as it is: repeating was out of the question from the start.
    Pass,
    /// Stop, and say why.
    Stop(StopReason),
    /// Repeat after `delay`.
    Repeat {
        delay: Duration,
        /// What was drawn for it: less, where the dependency asked for a longer one.
        drawn: Duration,
        /// Whether the budget pays: not where the dependency was never asked.
        paid: bool,
    },
}

impl Plan {
    #[inline]
    pub(crate) fn next(&self, failed: &FailedAttempt, random: &Random) -> Step {
        let waits = self.waits_for(failed);
        if waits.is_none() && !self.repeats(failed) {
            return if self.lacks_a_word(failed) {
                Step::Stop(StopReason::NotIdempotent)
            } else {
                failed.end()
            };
        }
        if self.max_attempts != 0 && failed.attempt >= self.max_attempts {
            return failed.stop(StopReason::Attempts);
        }
        if matches!(failed.cause, Cause::Panic { same } if same >= self.max_same_panics) {
            return Step::Stop(StopReason::Poisoned);
        }
        let drawn = self.backoff.delay(failed.attempt, failed.drawn, random);
        let delay = match waits.or(failed.verdict.class.retry_after()) {
            // To ask again sooner would be what it asked to be spared.
            Some(asked) if asked > self.max_retry_after => {
                return Step::Stop(StopReason::RetryAfter);
            }
            Some(asked) => self.at_least(asked, drawn, failed.time_left, random),
            None => drawn,
        };
        match failed.time_left {
            // An attempt that starts after the deadline is of no use, so it is not waited for.
            Some(left) if delay >= left => Step::Stop(StopReason::Deadline),
            _ => Step::Repeat { delay, drawn, paid: waits.is_none() },
        }
    }

    /// Whether another attempt may follow.
    ///
    /// Where nobody said whether the operation may be carried out twice, it is repeated only if it
    /// certainly was not carried out.
    fn repeats(&self, failed: &FailedAttempt) -> bool {
        let Verdict { class, carried_out } = failed.verdict;
        let may = match failed.idempotent {
            Some(said) => said,
            None => self.idempotent || carried_out == CarriedOut::No,
        };
        may && class.is_retryable()
    }

    /// Whether all that forbids another attempt is that nobody said whether the operation may be carried
    /// out twice.
    fn lacks_a_word(&self, failed: &FailedAttempt) -> bool {
        let more = self.max_attempts == 0 || failed.attempt < self.max_attempts;
        more && failed.idempotent.is_none() && failed.verdict.class.is_retryable()
    }

    /// How long to wait for one of our own policies that refused, if the retry waits for those.
    fn waits_for(&self, failed: &FailedAttempt) -> Option<Duration> {
        let waits = self.wait_for_rejections && failed.idempotent != Some(false);
        match failed.cause {
            Cause::Refusal { shutting_down: false, retry_after } if waits => retry_after,
            _ => None,
        }
    }

    /// The delay where `drawn` was drawn and somebody asked for `asked` at least.
    fn at_least(
        &self,
        asked: Duration,
        drawn: Duration,
        time_left: Option<Duration>,
        random: &Random,
    ) -> Duration {
        if asked <= drawn || self.backoff.jitter_kind() == Jitter::None {
            return asked.max(drawn);
        }
        // Callers that were given the same hint would come back together, so what was drawn is
        // added to the hint. Only the hint has to fit before the deadline. If the spread does not,
        // another is drawn from half of the time that is left: the attempt needs time, too.
        let spread = match time_left.map(|left| left.saturating_sub(asked)) {
            Some(room) if room <= drawn => room.mul_f64(random.unit() / 2.0),
            _ => drawn,
        };
        asked.saturating_add(spread)
    }

    /// How long the waits between all attempts are together, at least: `None` where the number of
    /// attempts is not limited.
    pub(crate) fn least_waits(&self) -> Option<Duration> {
        let retries = self.max_attempts.checked_sub(1)?.min(Backoff::MAX_LIST.into());
        let waits = (1..=retries).map(|n| self.backoff.floor(n));
        Some(waits.fold(Duration::ZERO, Duration::saturating_add))
    }

    /// How long a call can take if each attempt takes `attempt`, at most; `None` if nothing bounds
    /// it. Every wait counts as long as a dependency may ask for.
    pub(crate) fn longest(
        &self,
        attempt: Duration,
        deadline: Option<Duration>,
    ) -> Option<Duration> {
        // The last attempt starts before the deadline and then takes its time.
        let by_deadline = deadline.map(|deadline| deadline.saturating_add(attempt));
        let by_attempts = self.max_attempts.checked_sub(1).and_then(|retries| {
            let asked = self.max_retry_after.saturating_mul(retries);
            let waits = self.backoff.total(retries)?.saturating_add(asked);
            Some(attempt.saturating_mul(self.max_attempts).saturating_add(waits))
        });
        [by_deadline, by_attempts].into_iter().flatten().min()
    }
}

impl FailedAttempt {
    /// What follows a failure that must not be repeated.
    pub(crate) fn end(&self) -> Step {
        self.stop(match (self.verdict.class, self.cause) {
            (_, Cause::Refusal { shutting_down: true, .. }) | (Class::Cancelled, _) => {
                StopReason::Shutdown
            }
            (_, Cause::Refusal { .. }) => StopReason::Rejected,
            _ => StopReason::Permanent,
        })
    }

    /// A retry that never came into play says nothing.
    fn stop(&self, why: StopReason) -> Step {
        if self.attempt == 1 { Step::Pass } else { Step::Stop(why) }
    }
}
