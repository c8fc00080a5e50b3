//! The decision: repeat after a delay, stop, or pass the outcome on.

use std::time::Duration;

use seawall_core::{Backoff, Class, Jitter, Random, Reason, Rejection, StopReason};

/// What a retry was configured with, as far as it decides.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The first call included; 0 is unlimited.
    pub(crate) max_attempts: u32,
    pub(crate) idempotent: bool,
    pub(crate) wait_for_rejections: bool,
    /// How often the same panic may come; 0 is unlimited.
    pub(crate) max_same_panics: u32,
    pub(crate) max_retry_after: Duration,
    pub(crate) backoff: Backoff,
}

/// An attempt that did not succeed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failed {
    /// Its number.
    pub(crate) attempt: u32,
    pub(crate) class: Class,
    /// How one of our own policies refused it, if one did.
    pub(crate) refused: Option<Refused>,
    /// What the caller said about repeating this operation.
    pub(crate) idempotent: Option<bool>,
    /// How often the panic that it ended in has come, with no other in between; 0 if it did not
    /// panic.
    pub(crate) same_panics: u32,
    /// What was drawn for the delay before it.
    pub(crate) drawn: Option<Duration>,
    /// The time until the deadline, if there is one.
    pub(crate) time_left: Option<Duration>,
}

/// A refusal by one of our own policies, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) shutting_down: bool,
    pub(crate) retry_after: Option<Duration>,
}

impl From<&Rejection> for Refused {
    fn from(rejection: &Rejection) -> Self {
        Self {
            shutting_down: rejection.reason() == Reason::ShuttingDown,
            retry_after: rejection.retry_after(),
        }
    }
}

/// What to do after an attempt that did not succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Give the outcome to the caller as it is: repeating was out of the question from the start.
    Pass,
    /// Stop, and say why.
    Stop(StopReason),
    /// Repeat after `delay`.
    Repeat {
        delay: Duration,
        /// What was drawn for it: less, where somebody asked for a longer one.
        drawn: Duration,
        /// Whether the budget has to pay: not where the dependency was never asked.
        paid: bool,
    },
}

impl Plan {
    /// Whether an outcome of this class may be followed by another attempt.
    ///
    /// A dependency that says it is overloaded has refused the work, so asking again is safe
    /// whatever the operation does. After every other failure the operation may have been carried
    /// out, so it is repeated only if that does no harm.
    pub(crate) fn repeats(&self, class: Class, idempotent: Option<bool>) -> bool {
        match class {
            Class::Overloaded { .. } => true,
            class => class.is_retryable() && idempotent.unwrap_or(self.idempotent),
        }
    }

    pub(crate) fn next(&self, failed: &Failed, random: &Random) -> Step {
        let waits = self.waits_for(failed);
        if waits.is_none() && !self.repeats(failed.class, failed.idempotent) {
            return Self::end(failed);
        }
        if self.max_attempts != 0 && failed.attempt >= self.max_attempts {
            return Self::stop(failed, StopReason::Attempts);
        }
        if self.max_same_panics != 0 && failed.same_panics >= self.max_same_panics {
            return Step::Stop(StopReason::Poisoned);
        }
        let drawn = self.backoff.delay(failed.attempt, failed.drawn, random);
        let asked = waits.or(failed.class.retry_after()).unwrap_or_default();
        let delay = self.delay(drawn, asked.min(self.max_retry_after), failed.time_left, random);
        match failed.time_left {
            // An attempt that starts when the time is over is of no use: not waited for.
            Some(left) if delay >= left => Step::Stop(StopReason::Deadline),
            _ => Step::Repeat { delay, drawn, paid: waits.is_none() },
        }
    }

    /// How long to wait for the policy of ours that refused, where that was asked for.
    fn waits_for(&self, failed: &Failed) -> Option<Duration> {
        let refused = failed.refused?;
        let waits = self.wait_for_rejections && !refused.shutting_down;
        if waits { refused.retry_after } else { None }
    }

    /// What comes of a failure after which there is not to be another attempt.
    pub(crate) const fn end(failed: &Failed) -> Step {
        Self::stop(failed, Self::final_reason(failed))
    }

    const fn final_reason(failed: &Failed) -> StopReason {
        match (failed.class, failed.refused) {
            (_, Some(Refused { shutting_down: true, .. })) | (Class::Cancelled, _) => {
                StopReason::Shutdown
            }
            (_, Some(_)) => StopReason::Rejected,
            _ => StopReason::Permanent,
        }
    }

    /// Nothing is said of a retry that never came into play.
    const fn stop(failed: &Failed, why: StopReason) -> Step {
        if failed.attempt == 1 { Step::Pass } else { Step::Stop(why) }
    }

    /// What was `drawn`, or what was `asked` for where that is longer.
    fn delay(
        &self,
        drawn: Duration,
        asked: Duration,
        time_left: Option<Duration>,
        random: &Random,
    ) -> Duration {
        if asked <= drawn || self.backoff.jitter_kind() == Jitter::None {
            return asked.max(drawn);
        }
        // All that were given the same hint would come back together: what was drawn spreads them,
        // after the hint. Only the hint has to fit. Where the spread does not, another is drawn from
        // half of what is left: the attempt is to have time, too.
        let spread = match time_left.map(|left| left.saturating_sub(asked)) {
            Some(room) if room <= drawn => room.mul_f64(random.unit() / 2.0),
            _ => drawn,
        };
        asked.saturating_add(spread)
    }

    /// How long a call can take whose attempts take `attempt` each, at most; `None` if nothing
    /// bounds it. Every wait counts as long as a dependency may ask for.
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
