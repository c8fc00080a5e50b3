//! What an outcome means, decided once and shared by every policy.

use std::time::Duration;

use crate::{CarriedOut, Verdict};

pub(crate) mod classify;
pub(crate) mod failed;
pub(crate) mod verdict;

/// What an outcome means to the policies.
///
/// An outcome is classed **once**, where it leaves the operation, by the [`Classify`](crate::Classify)
/// of the pipeline; from there the class travels inside [`Error`](crate::Error). No policy looks at the
/// operation's outcome again.
///
/// Whether a failure is repeated depends on a second fact, too: whether the operation may have been
/// [carried out](CarriedOut).
///
/// | class | may be retried | to a breaker | typical source |
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
    /// Whether another attempt may succeed.
    pub const fn is_retryable(self) -> bool {
        matches!(self, Self::Transient | Self::Overloaded { .. } | Self::Panicked)
    }

    /// This class, of an operation that was certainly not carried out: a connection that could not be
    /// made, a request that came back unsent. Only such failures are repeated of an operation that
    /// nobody declared safe to repeat.
    ///
    /// ```
    /// use seawall_core::{Class, Verdict};
    /// use std::io::{Error, ErrorKind};
    ///
    /// fn classify(error: &Error) -> Verdict {
    ///     match error.kind() {
    ///         ErrorKind::ConnectionRefused => Class::Transient.not_carried_out(),
    ///         ErrorKind::PermissionDenied => Class::Permanent.into(),
    ///         _ => Class::Transient.into(),
    ///     }
    /// }
    /// # classify(&Error::from(ErrorKind::NotFound));
    /// ```
    pub const fn not_carried_out(self) -> Verdict {
        Verdict { class: self, carried_out: CarriedOut::No }
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
