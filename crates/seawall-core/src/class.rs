//! What an outcome means, decided once and shared by every policy.

use std::time::Duration;

use crate::{Error, PanicReport, contain};

/// What an outcome means to the policies.
///
/// An error is classed **once**, where it leaves the operation, by the [`Classify`] of the
/// pipeline; from there the class travels inside [`Error`]. No policy looks at the operation's
/// error again unless it has a [`Judge`] of its own.
///
/// | class | retried | to a breaker | typical source |
/// |---|---|---|---|
/// | `Success` | no | healthy | `Ok` |
/// | `Transient` | yes | unhealthy | connection reset, 500, a timeout |
/// | `Overloaded` | yes, not before the hint | unhealthy | 429, 503 with `Retry-After` |
/// | `Permanent` | no | healthy: it answered | 404, a validation error |
/// | `Ignored` | no | unknown | a rejection by one of our own policies |
/// | `Cancelled` | no | unknown | the caller went away, shutdown |
/// | `Panicked` | yes | unhealthy | a panic that a guard caught |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Class {
    /// The call succeeded.
    Success,
    /// Another attempt may succeed.
    Transient,
    /// The dependency has more work than it can do; it may give a time to try again.
    Overloaded {
        /// How long to leave the dependency alone, if it asked for that.
        retry_after: Option<Duration>,
    },
    /// Another attempt would end the same way. The dependency itself is healthy: it answered.
    Permanent,
    /// The outcome says nothing about the dependency.
    Ignored,
    /// The call was given up by its caller or by a shutdown.
    Cancelled,
    /// The operation panicked, and a guard caught it.
    Panicked,
}

/// The health of the dependency, as far as a [`Class`] shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// It answered as it should.
    Healthy,
    /// It failed.
    Unhealthy,
    /// Nothing can be concluded.
    Unknown,
}

impl Class {
    /// Whether a retry may help.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Overloaded { .. } | Self::Panicked)
    }

    /// The health of the dependency that this class shows. Breakers, throttles and adaptive limits
    /// all use it.
    ///
    /// `Permanent` is [`Healthy`](Health::Healthy): the dependency answered, and a breaker that
    /// took it for silence could stay half-open for as long as the answers are 404.
    pub const fn health(self) -> Health {
        match self {
            Self::Success | Self::Permanent => Health::Healthy,
            Self::Transient | Self::Overloaded { .. } | Self::Panicked => Health::Unhealthy,
            Self::Ignored | Self::Cancelled => Health::Unknown,
        }
    }

    /// When the dependency asked to be tried again.
    pub const fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Overloaded { retry_after } => retry_after,
            _ => None,
        }
    }

    /// The class as a word, for logs and metric labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Transient => "transient",
            Self::Overloaded { .. } => "overloaded",
            Self::Permanent => "permanent",
            Self::Ignored => "ignored",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        }
    }
}

/// Classes the operation's own error, once, where it leaves the operation.
///
/// Implemented by every `Fn(&E) -> Class`.
///
/// ```
/// use seawall_core::{Class, Classify};
/// use std::io::{Error, ErrorKind};
///
/// fn classify(error: &Error) -> Class {
///     match error.kind() {
///         ErrorKind::NotFound | ErrorKind::PermissionDenied => Class::Permanent,
///         _ => Class::Transient,
///     }
/// }
///
/// assert_eq!(classify.classify(&Error::from(ErrorKind::NotFound)), Class::Permanent);
/// ```
pub trait Classify<E: ?Sized> {
    /// The class of `error`.
    fn classify(&self, error: &E) -> Class;
}

impl<E: ?Sized, F: Fn(&E) -> Class> Classify<E> for F {
    fn classify(&self, error: &E) -> Class {
        self(error)
    }
}

/// The default classifier of a pipeline: every error is [`Class::Transient`].
///
/// It does not know the error type. An error that is wrongly classed as transient costs a few
/// retries within the budget; one that is wrongly classed as permanent costs the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllTransient;

impl<E: ?Sized> Classify<E> for AllTransient {
    fn classify(&self, _: &E) -> Class {
        Class::Transient
    }
}

/// Gives the outcome of a call another meaning for one policy.
///
/// Unlike [`Classify`] it sees the whole outcome: successes too, and the errors of inner policies. Implemented by every `Fn(&Result<T, Error<E>>) -> Class`.
pub trait Judge<T, E> {
    /// The class of `outcome` for this policy.
    fn judge(&self, outcome: &Result<T, Error<E>>) -> Class;

    /// [`judge`](Self::judge) as policies call it: a panic is contained and passed to `panicked`, and
    /// the outcome then keeps its own class.
    fn judge_contained(
        &self,
        outcome: &Result<T, Error<E>>,
        panicked: impl FnOnce(PanicReport),
    ) -> Class
    where
        Self: Sized,
    {
        contain(|| self.judge(outcome)).unwrap_or_else(|report| {
            panicked(report);
            ByClass.judge(outcome)
        })
    }
}

impl<T, E, F: Fn(&Result<T, Error<E>>) -> Class> Judge<T, E> for F {
    fn judge(&self, outcome: &Result<T, Error<E>>) -> Class {
        self(outcome)
    }
}

/// The default judge of a policy: `Ok` is a success, an error has its [`Error::class`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByClass;

impl<T, E> Judge<T, E> for ByClass {
    #[inline]
    fn judge(&self, outcome: &Result<T, Error<E>>) -> Class {
        match outcome {
            Ok(_) => Class::Success,
            Err(error) => error.class(),
        }
    }

    /// It does not panic, so there is nothing to contain.
    #[inline]
    fn judge_contained(&self, outcome: &Result<T, Error<E>>, _: impl FnOnce(PanicReport)) -> Class {
        self.judge(outcome)
    }
}
