//! The one error of the toolkit.

use std::fmt;
use std::time::Duration;

use crate::{CarriedOut, Class, Name, PanicReport, PolicyKind, Verdict};

pub use boxed::BoxedError;
pub use cancelled::Cancelled;
pub use evidence::{Evidence, PackedEvidence, Rule};
pub use gave_up::{GaveUp, StopReason};
pub use rejection::{Reason, Rejection};
pub use timed_out::{Scope, TimedOut, TimedOutBy};

mod boxed;
mod cancelled;
mod evidence;
mod gave_up;
mod rejection;
mod timed_out;

/// Why a call did not succeed, whichever policies were around it.
///
/// The operation's own error is always within reach: [`operation`](Self::operation) and
/// [`into_operation`](Self::into_operation) find it under any number of wrappers. `Display` is one
/// sentence that includes the operation's message; [`source`](std::error::Error::source) is what that
/// message does not say, the source of the operation's error. It takes 48 bytes, and more only for an
/// `E` of more than 16 bytes, so that results stay cheap to pass on.
///
/// It goes into an `anyhow::Error`, a `Box<dyn Error + Send + Sync>` and an enum of thiserror by `?`.
/// Where `E` is no `std::error::Error` itself, as `anyhow::Error` and `String` are not,
/// [`boxed`](Self::boxed) makes it one.
///
/// ```
/// use seawall_core::{Class, Error};
///
/// let error = Error::operation_failed("connection reset", Class::Transient);
/// assert_eq!(error.operation(), Some(&"connection reset"));
/// assert_eq!(error.to_string(), "connection reset");
/// assert_eq!(error.class(), Class::Transient);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error<E = BoxedError> {
    /// The operation failed.
    #[non_exhaustive]
    Operation {
        /// The operation's own error.
        error: E,
        /// Its class.
        class: Class,
        /// Whether the operation may have been carried out.
        carried_out: CarriedOut,
        /// Whether it is an `Ok` that the classifier calls a failure: a
        /// [`Failed::Answer`](crate::Failed::Answer).
        answer: bool,
    },
    /// A timeout cut the call off.
    TimedOut(TimedOut),
    /// The operation panicked, and a guard caught it.
    Panicked(Box<Panicked>),
    /// The call's task was cancelled before it had an outcome.
    Cancelled(Cancelled),
    /// A policy that repeats stopped doing so.
    GaveUp(Box<GaveUp<E>>),
    /// A policy refused the call.
    // Keep this variant last: rejections dominate under overload, and as the niche-filling variant
    // they are recognised by one comparison on drop.
    Rejected(Rejection),
}

/// A panic that a policy caught: a panic guard in the operation, or any other policy in one of its
/// callbacks.
#[derive(Debug)]
#[non_exhaustive]
pub struct Panicked {
    /// The policy's name.
    pub policy: Name,
    /// Its kind: [`PolicyKind::PanicGuard`], unless a callback of another policy panicked.
    pub kind: PolicyKind,
    /// The report of the panic.
    pub report: PanicReport,
}

impl Panicked {
    /// A panic caught by the guard `policy`.
    pub fn new(policy: Name, report: PanicReport) -> Self {
        Self::in_callback(policy, PolicyKind::PanicGuard, report)
    }

    /// A panic in a callback of the policy `policy` of kind `kind`.
    pub fn in_callback(policy: Name, kind: PolicyKind, report: PanicReport) -> Self {
        Self { policy, kind, report }
    }
}

impl fmt::Display for Panicked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} '{}': {}", self.kind, self.policy, self.report)
    }
}

impl<E> Error<E> {
    /// The operation failed with `error`, which means `verdict`: a [`Class`], or one of an operation
    /// that was [not carried out](Class::not_carried_out).
    pub fn operation_failed(error: E, verdict: impl Into<Verdict>) -> Self {
        let Verdict { class, carried_out } = verdict.into();
        Self::Operation { error, class, carried_out, answer: false }
    }

    /// The class of this outcome.
    ///
    /// A policy that gave up has the class of its last attempt: permanent stays permanent inside
    /// wrappers. A rejection is [`Class::Ignored`]: it says nothing about the dependency.
    pub fn class(&self) -> Class {
        match self {
            Self::Operation { class, .. } => *class,
            Self::TimedOut(_) => Class::Transient,
            Self::Rejected(_) => Class::Ignored,
            Self::Panicked(_) => Class::Panicked,
            Self::Cancelled(_) => Class::Cancelled,
            Self::GaveUp(gave_up) => Self::class_of_last(gave_up),
        }
    }

    // Out of line, so that the rest is small enough to be inlined.
    #[inline(never)]
    fn class_of_last(gave_up: &GaveUp<E>) -> Class {
        gave_up.last.class()
    }

    /// Whether the operation may have been carried out, though the call failed. `No` is certain: one of
    /// our own policies refused every attempt, or the classifier said so of it.
    ///
    /// ```
    /// use seawall_core::{CarriedOut, Class, Error};
    ///
    /// let reset = Error::operation_failed("connection reset", Class::Transient);
    /// assert_eq!(reset.carried_out(), CarriedOut::Maybe);
    /// let refused = Error::operation_failed("no route", Class::Transient.not_carried_out());
    /// assert_eq!(refused.carried_out(), CarriedOut::No);
    /// ```
    pub fn carried_out(&self) -> CarriedOut {
        match self {
            Self::Operation { carried_out, .. } => *carried_out,
            Self::Rejected(_) => CarriedOut::No,
            Self::GaveUp(gave_up) => gave_up.carried_out,
            Self::TimedOut(_) | Self::Panicked(_) | Self::Cancelled(_) => CarriedOut::Maybe,
        }
    }

    /// What the outcome means: [`class`](Self::class) and [`carried_out`](Self::carried_out).
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Operation { class, carried_out, .. } => {
                Verdict { class: *class, carried_out: *carried_out }
            }
            error => Verdict { class: error.class(), carried_out: error.carried_out() },
        }
    }

    /// Whether this is an `Ok` that the classifier calls a failure, as policies see it. The caller gets
    /// it as the `Ok` that it is.
    pub const fn is_answer(&self) -> bool {
        matches!(self, Self::Operation { answer: true, .. })
    }

    /// The outcome of the last attempt, without the wrappers of policies that gave up.
    pub fn last(&self) -> &Self {
        let mut error = self;
        while let Self::GaveUp(gave_up) = error {
            error = &gave_up.last;
        }
        error
    }

    /// [`last`](Self::last), by value.
    #[must_use]
    pub fn into_last(self) -> Self {
        let mut error = self;
        while let Self::GaveUp(gave_up) = error {
            error = gave_up.last;
        }
        error
    }

    /// The operation's own error, if the call ended with one.
    pub fn operation(&self) -> Option<&E> {
        match self.last() {
            Self::Operation { error, .. } => Some(error),
            _ => None,
        }
    }

    /// The operation's own error by value, or `self` if the call did not end with one.
    pub fn into_operation(self) -> Result<E, Self> {
        if self.operation().is_none() {
            return Err(self);
        }
        match self.into_last() {
            Self::Operation { error, .. } => Ok(error),
            other => Err(other),
        }
    }

    /// The timeout that cut the last attempt off.
    pub fn timed_out(&self) -> Option<&TimedOut> {
        match self.last() {
            Self::TimedOut(timed_out) => Some(timed_out),
            _ => None,
        }
    }

    /// Whether time ran out, whichever policy noticed: a timeout or a deadline cut the call off, a
    /// policy could not have admitted it before the deadline, or a retry could not have started the
    /// next attempt before it.
    ///
    /// A call that waited for a place as long as its policy lets it wait met a full limit, not a
    /// timeout.
    ///
    /// ```
    /// use seawall_core::{Error, PolicyKind, Reason, Rejection};
    ///
    /// let name = "inventory".into();
    /// let late = Rejection::new(name, PolicyKind::Bulkhead, Reason::DeadlineTooNear);
    /// assert!(Error::<()>::from(late).is_timeout());
    /// ```
    pub fn is_timeout(&self) -> bool {
        match self {
            Self::TimedOut(_) => true,
            Self::Rejected(rejection) => rejection.reason() == Reason::DeadlineTooNear,
            Self::GaveUp(gave_up) => {
                gave_up.why == StopReason::Deadline || gave_up.last.is_timeout()
            }
            _ => false,
        }
    }

    /// Whose limit it was, where [time ran out](Self::is_timeout): the name of the timeout that cut the call
    /// off or, where another policy noticed, of the outer one that set its deadline.
    ///
    /// `None` where the deadline came with the call: its caller knows it.
    ///
    /// ```
    /// use std::time::Duration;
    /// use seawall_core::{Attempt, Error, Scope, TimedOut, TimedOutBy};
    ///
    /// let (limit, name) = (Duration::from_secs(1), "inventory".into());
    /// let by = TimedOutBy::Limit;
    /// let late = TimedOut::new(name, Scope::Total, by, limit, limit, Attempt::first());
    /// assert_eq!(Error::<()>::from(late).time_limit().unwrap().as_str(), "inventory");
    /// ```
    pub fn time_limit(&self) -> Option<&Name> {
        match self {
            Self::TimedOut(timed_out) if timed_out.by() == TimedOutBy::Limit => {
                Some(&timed_out.policy)
            }
            Self::TimedOut(timed_out) => timed_out.policy.time_limit(),
            Self::Rejected(rejection) => rejection.policy.time_limit(),
            Self::GaveUp(gave_up) if gave_up.why == StopReason::Deadline => {
                gave_up.policy.time_limit()
            }
            Self::GaveUp(gave_up) => gave_up.last.time_limit(),
            _ => None,
        }
    }

    /// Says that it was the time of `limit` that ran out, where a policy inside noticed and no other was
    /// named.
    #[doc(hidden)]
    #[cold]
    #[inline(never)]
    pub fn name_time_limit(&mut self, limit: &Name) {
        let noticed_by = match self {
            Self::TimedOut(timed_out) if timed_out.by() == TimedOutBy::Deadline => {
                &mut timed_out.policy
            }
            Self::Rejected(rejection) if rejection.reason() == Reason::DeadlineTooNear => {
                &mut rejection.policy
            }
            Self::GaveUp(gave_up) => {
                gave_up.last.name_time_limit(limit);
                if gave_up.why != StopReason::Deadline {
                    return;
                }
                &mut gave_up.policy
            }
            _ => return,
        };
        if noticed_by.time_limit().is_none() {
            *noticed_by = noticed_by.in_time_of(limit);
        }
    }

    /// The rejection that the last attempt met.
    pub fn rejection(&self) -> Option<&Rejection> {
        match self.last() {
            Self::Rejected(rejection) => Some(rejection),
            _ => None,
        }
    }

    /// The panic that the last attempt ended in.
    pub fn panicked(&self) -> Option<&Panicked> {
        match self.last() {
            Self::Panicked(panicked) => Some(panicked),
            _ => None,
        }
    }

    /// The report of the retry or hedge that gave up, if one did.
    pub fn gave_up(&self) -> Option<&GaveUp<E>> {
        match self {
            Self::GaveUp(gave_up) => Some(gave_up),
            _ => None,
        }
    }

    /// The name of the policy that made this error; `None` if it is the operation's own.
    pub fn policy(&self) -> Option<&Name> {
        match self {
            Self::Operation { .. } => None,
            Self::TimedOut(timed_out) => Some(&timed_out.policy),
            Self::Rejected(rejection) => Some(rejection.policy()),
            Self::Panicked(panicked) => Some(&panicked.policy),
            Self::Cancelled(cancelled) => Some(&cancelled.policy),
            Self::GaveUp(gave_up) => Some(&gave_up.policy),
        }
    }

    /// When it makes sense to try again, according to the refusing policy or the dependency.
    pub fn retry_after(&self) -> Option<Duration> {
        match self.last() {
            Self::Rejected(rejection) => rejection.retry_after(),
            other => other.class().retry_after(),
        }
    }

    /// This error with the operation's own errors changed by `change`: the last one, and those in
    /// the history if a retry kept one.
    pub fn map<F>(self, mut change: impl FnMut(E) -> F) -> Error<F> {
        self.map_with(&mut change)
    }

    // Not generic over the closure, as it calls itself through the wrappers.
    fn map_with<F>(self, change: &mut dyn FnMut(E) -> F) -> Error<F> {
        match self {
            Self::Operation { error, class, carried_out, answer } => {
                Error::Operation { error: change(error), class, carried_out, answer }
            }
            Self::TimedOut(timed_out) => Error::TimedOut(timed_out),
            Self::Rejected(rejection) => Error::Rejected(rejection),
            Self::Panicked(panicked) => Error::Panicked(panicked),
            Self::Cancelled(cancelled) => Error::Cancelled(cancelled),
            Self::GaveUp(gave_up) => gave_up.map(|error| error.map_with(change)).into(),
        }
    }
}

impl<E> Error<Error<E>> {
    /// The error of a pipeline that was called inside the operation of another, as one: the inner
    /// error takes the place of the operation's.
    #[must_use]
    pub fn flatten(self) -> Error<E> {
        match self {
            Self::Operation { error, .. } => error,
            Self::TimedOut(timed_out) => Error::TimedOut(timed_out),
            Self::Rejected(rejection) => Error::Rejected(rejection),
            Self::Panicked(panicked) => Error::Panicked(panicked),
            Self::Cancelled(cancelled) => Error::Cancelled(cancelled),
            Self::GaveUp(gave_up) => gave_up.map(Error::flatten).into(),
        }
    }
}

impl<E> From<Panicked> for Error<E> {
    fn from(panicked: Panicked) -> Self {
        Self::Panicked(Box::new(panicked))
    }
}

impl<E> From<GaveUp<E>> for Error<E> {
    fn from(gave_up: GaveUp<E>) -> Self {
        Self::GaveUp(Box::new(gave_up))
    }
}

impl<E> From<Rejection> for Error<E> {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<E> From<TimedOut> for Error<E> {
    fn from(timed_out: TimedOut) -> Self {
        Self::TimedOut(timed_out)
    }
}

impl<E: fmt::Display> fmt::Display for Error<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Operation { error, .. } => error.fmt(f),
            Self::TimedOut(timed_out) => timed_out.fmt(f),
            Self::Rejected(rejection) => rejection.fmt(f),
            Self::Panicked(panicked) => panicked.fmt(f),
            Self::Cancelled(cancelled) => cancelled.fmt(f),
            Self::GaveUp(gave_up) => gave_up.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for Error<E> {
    /// The source of the operation's error: `Display` says the error itself.
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.operation().and_then(E::source)
    }
}
