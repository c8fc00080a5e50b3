use std::convert::Infallible;
use std::fmt;
use std::time::Duration;

use super::timed_out::Of;
use crate::class::failed::{Failed, Failure};
use crate::{CarriedOut, Error, Name, PolicyKind};

/// The report of a policy that repeats and stopped without a success.
#[derive(Debug)]
#[non_exhaustive]
pub struct GaveUp<E> {
    /// The retry or hedge that gave up.
    pub policy: Name,
    /// Its kind.
    pub kind: PolicyKind,
    /// How many attempts were started, the first call included.
    pub attempts: u32,
    /// How many attempts were allowed; `None` if unlimited.
    pub max_attempts: Option<u32>,
    /// From the start of the first attempt to giving up. A retry reads no clock until the
    /// call waits for an attempt or a delay, so the time within polls before that is not included.
    pub elapsed: Duration,
    /// Why it stopped.
    pub why: StopReason,
    /// Whether any of the attempts may have been carried out.
    pub carried_out: CarriedOut,
    /// The error of the last attempt.
    pub last: Error<E>,
    /// The errors of the attempts before it, the oldest first; empty unless the policy keeps a history.
    pub history: Vec<Error<E>>,
    /// The wait after each error in `history`, before the next attempt. Empty where there are no waits,
    /// as between hedges.
    pub delays: Vec<Duration>,
    /// The error of the attempt before, where [`last`](Self::last) is a
    /// [rejection](StopReason::Rejected): the refused attempt never reached the dependency, so this
    /// is the latest news of it. `None` where it is the last error in `history`, and where attempts
    /// followed one another without a wait, a listener or a history: those keep nothing.
    pub before: Option<Error<E>>,
}

/// Why a policy that repeats stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StopReason {
    /// All attempts were used.
    Attempts,
    /// The next attempt could not have started before the deadline.
    Deadline,
    /// The budget for repeating was empty.
    Budget,
    /// The last outcome does not allow another attempt.
    Permanent,
    /// One of our own policies refused the last attempt: a circuit that opened in between, for
    /// instance.
    Rejected,
    /// The process is shutting down.
    Shutdown,
    /// The same panic came again and again.
    Poisoned,
    /// The operation [can't be started again](crate::Operation::is_repeatable).
    NotRepeatable,
    /// Whoever failed the last attempt asked to be left alone for longer than the policy waits:
    /// [`Error::retry_after`] says for how long.
    RetryAfter,
    /// The operation may have been carried out, and nobody said that it is idempotent: neither the
    /// retry's configuration nor the call.
    NotIdempotent,
}

impl StopReason {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Attempts,
        Self::Deadline,
        Self::Budget,
        Self::Permanent,
        Self::Rejected,
        Self::Shutdown,
        Self::Poisoned,
        Self::NotRepeatable,
        Self::RetryAfter,
        Self::NotIdempotent,
    ];

    /// The reason as a word, for metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempts => "attempts",
            Self::Deadline => "deadline",
            Self::Budget => "budget",
            Self::Permanent => "permanent",
            Self::Rejected => "rejected",
            Self::Shutdown => "shutdown",
            Self::Poisoned => "poisoned",
            Self::NotRepeatable => "not_repeatable",
            Self::RetryAfter => "retry_after",
            Self::NotIdempotent => "not_idempotent",
        }
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attempts => "no attempts left",
            Self::Deadline => "the next attempt would start after the deadline",
            Self::Budget => "the retry budget is empty",
            Self::Permanent => "not an outcome to repeat after",
            Self::Rejected => "refused by one of our own policies",
            Self::Shutdown => "shutting down",
            Self::Poisoned => "the same panic again and again",
            Self::NotRepeatable => "the operation can't be started again",
            Self::RetryAfter => "asked to wait for longer than it waits",
            Self::NotIdempotent => "it may have been carried out, and nobody said idempotent",
        })
    }
}

impl<E> GaveUp<E> {
    /// `policy` stopped because of `why` after `attempts` attempts, the last of which ended with
    /// `last`.
    pub fn new(
        policy: Name,
        kind: PolicyKind,
        why: StopReason,
        attempts: u32,
        elapsed: Duration,
        last: Error<E>,
    ) -> Self {
        Self {
            policy,
            kind,
            attempts,
            max_attempts: None,
            elapsed,
            why,
            carried_out: last.carried_out(),
            last,
            history: Vec::new(),
            delays: Vec::new(),
            before: None,
        }
    }

    /// This report, with the number of attempts that were allowed.
    #[must_use]
    pub fn out_of(mut self, max_attempts: Option<u32>) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// This report, after attempts before the last of which this is known.
    #[must_use]
    pub fn after(mut self, carried_out: CarriedOut) -> Self {
        self.carried_out = self.carried_out.max(carried_out);
        self
    }

    /// This with each of the errors in it changed by `change`.
    pub(super) fn map<F>(self, mut change: impl FnMut(Error<E>) -> Error<F>) -> GaveUp<F> {
        let Ok(changed) = self.with_errors(|Errors { last, history, delays, before }| {
            let history = history.into_iter().map(&mut change).collect();
            let before = before.map(&mut change);
            Ok::<_, Infallible>(Errors { last: change(last), history, delays, before })
        });
        changed
    }

    /// This with the errors that `change` makes of its own, or what it stops with.
    fn with_errors<F, S>(
        self,
        change: impl FnOnce(Errors<E>) -> Result<Errors<F>, S>,
    ) -> Result<GaveUp<F>, S> {
        let Self { last, history, delays, before, .. } = self;
        let Errors { last, history, delays, before } =
            change(Errors { last, history, delays, before })?;
        let Self { policy, kind, attempts, max_attempts, elapsed, why, carried_out, .. } = self;
        Ok(GaveUp {
            policy,
            kind,
            attempts,
            max_attempts,
            elapsed,
            why,
            carried_out,
            last,
            history,
            delays,
            before,
        })
    }
}

/// The errors of a report.
struct Errors<E> {
    last: Error<E>,
    history: Vec<Error<E>>,
    delays: Vec<Duration>,
    before: Option<Error<E>>,
}

impl<T, E> GaveUp<Failed<T, E>> {
    /// The answer that the call ended with, or this report without the answers in it.
    ///
    /// An attempt that one of our own policies refused never reached the dependency, so the call ended
    /// with what the attempt before it brought.
    pub(crate) fn settle(self) -> Result<T, Error<E>> {
        match self.with_errors(Errors::settle) {
            Ok(gave_up) => Err(gave_up.into()),
            Err(answer) => Ok(answer),
        }
    }
}

impl<T, E> Errors<Failed<T, E>> {
    /// These without the answers among them, or the answer that the call ended with.
    fn settle(self) -> Result<Errors<E>, T> {
        let last = match Failed::settle(self.last) {
            Ok(answer) => return Err(answer),
            Err(error) => error,
        };
        let refused = last.rejection().is_some();
        let before = match self.before.map(Failed::settle) {
            Some(Ok(answer)) if refused => return Err(answer),
            Some(Err(error)) => Some(error),
            Some(Ok(_)) | None => None,
        };
        let (mut history, mut delays) = (Vec::new(), Vec::new());
        let mut all_delays = self.delays.into_iter();
        let mut errors = self.history.into_iter();
        while let Some(error) = errors.next() {
            let delay = all_delays.next();
            match Failed::settle(error) {
                Ok(answer) if refused && before.is_none() && errors.len() == 0 => {
                    return Err(answer);
                }
                Ok(_) => {}
                Err(error) => {
                    history.push(error);
                    delays.extend(delay);
                }
            }
        }
        Ok(Errors { last, history, delays, before })
    }
}

impl<E: fmt::Display> fmt::Display for GaveUp<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}': gave up after {}", self.kind, self.policy, self.attempts)?;
        if let Some(max) = self.max_attempts {
            write!(f, " of {max}")?;
        }
        let noun =
            if self.max_attempts.unwrap_or(self.attempts) == 1 { "attempt" } else { "attempts" };
        let of = Of(self.policy.time_limit());
        write!(f, " {noun} in {:.3?} ({}{of}); last: ", self.elapsed, self.why)?;
        // As asked for: `{:#}` of an `anyhow::Error` has its causes.
        fmt::Display::fmt(&self.last, f)?;
        if let (StopReason::RetryAfter, Error::Operation { .. }, Some(asked)) =
            (self.why, &self.last, self.last.retry_after())
        {
            write!(f, "; retry in {asked:.3?}")?;
        }
        match &self.before {
            Some(before) => {
                f.write_str("; before: ")?;
                fmt::Display::fmt(before, f)
            }
            None => Ok(()),
        }
    }
}
