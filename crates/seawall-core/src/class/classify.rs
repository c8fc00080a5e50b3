use std::fmt;

use super::failed::{AnswerText, Failed, Failure};
use crate::{Class, Error, Verdict};

/// Says what an outcome of the operation means, once, where it leaves the operation.
///
/// Implemented by every `Fn(&E) -> Class` and `Fn(&E) -> Verdict`: a closure, a function or a function
/// pointer that looks at errors, and takes every `Ok` for a success. Where an `Ok` can be a failure, a
/// closure over the whole outcome goes into [`ByOutcome`].
///
/// A type of one's own has a name, which a struct that holds its pipeline needs. Its
/// [`Failure`](Self::Failure) says what it looks at. This one looks at errors:
///
/// ```
/// use seawall_core::{Class, Classify, Verdict};
/// use std::io;
///
/// struct IoErrors;
///
/// impl<T> Classify<T, io::Error> for IoErrors {
///     type Failure = io::Error;
///
///     fn classify(&self, outcome: Result<&T, &io::Error>) -> Verdict {
///         match outcome {
///             Ok(_) => Class::Success.into(),
///             Err(error) => match error.kind() {
///                 io::ErrorKind::NotFound => Class::Permanent.into(),
///                 io::ErrorKind::ConnectionRefused => Class::Transient.not_carried_out(),
///                 _ => Class::Transient.into(),
///             },
///         }
///     }
/// }
/// # let missing = io::Error::from(io::ErrorKind::NotFound);
/// # assert_eq!(IoErrors.classify(Err::<&(), _>(&missing)).class, Class::Permanent);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not class outcomes of `Result<{T}, {E}>`",
    label = "not a classifier of this operation's outcomes",
    note = "a closure has to say what it classes: `|error: &{E}| Class::Transient`",
    note = "a closure over the whole outcome goes into `ByOutcome`: \
            `ByOutcome(|outcome: Result<&{T}, &{E}>| ..)`"
)]
pub trait Classify<T, E> {
    /// What policies see as the operation's error: `E` where every `Ok` is a success, and the
    /// classifier is asked about errors alone; [`Failed<T, E>`](Failed) where an `Ok` can be a failure.
    type Failure: Failure<T, E>;

    /// What `outcome` means.
    fn classify(&self, outcome: Result<&T, &E>) -> Verdict;

    /// Writes what an answer that counts as a failure is, such as `503 Service Unavailable`: for
    /// whoever shows it while the call goes on, as a captured record does and the history of a retry. In
    /// words that are the same for the same failure, without data of the call.
    ///
    /// # Errors
    ///
    /// Those of the formatter.
    fn write_answer(_: &T, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer that counts as a failure")
    }

    /// `outcome` as policies see it, classed. An operation of one's own calls this where its outcome
    /// is known.
    ///
    /// # Errors
    ///
    /// The failure: an error, or an `Ok` that was classed as one.
    #[inline]
    fn sort(&self, outcome: Result<T, E>) -> Result<T, Error<Self::Failure>> {
        match outcome {
            Ok(output) => {
                let text = AnswerText::new(Self::write_answer);
                Self::Failure::weigh(output, text, |output| self.classify(Ok(output)))
            }
            Err(error) => {
                // Otherwise the class is computed for successes, too, to save a branch.
                unlikely();
                let verdict = self.classify(Err(&error));
                Err(Error::operation_failed(Self::Failure::from_error(error), verdict))
            }
        }
    }
}

/// Makes the branch that calls it an unlikely one.
#[cold]
const fn unlikely() {}

impl<T, E, F, V> Classify<T, E> for F
where
    F: Fn(&E) -> V,
    V: Into<Verdict>,
{
    type Failure = E;

    fn classify(&self, outcome: Result<&T, &E>) -> Verdict {
        match outcome {
            Ok(_) => Class::Success.into(),
            Err(error) => self(error).into(),
        }
    }
}

/// A classifier that sees the whole outcome: a `Fn(Result<&T, &E>) -> Class`, or one that gives a
/// [`Verdict`].
///
/// An `Ok` that it classes as anything else than [`Class::Success`] is a failure to the policies: it is
/// counted, and repeated if its class and the operation allow that. The caller gets it back as the
/// `Ok` that it is when no attempt after it does better.
///
/// ```
/// use seawall_core::{ByOutcome, Class, Classify};
/// use std::io;
///
/// let classifier = ByOutcome(|outcome: Result<&u16, &io::Error>| match outcome {
///     Ok(500..) | Err(_) => Class::Transient,
///     Ok(_) => Class::Success,
/// });
/// assert_eq!(classifier.classify(Ok(&503)).class, Class::Transient);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ByOutcome<F>(pub F);

impl<T, E, F, V> Classify<T, E> for ByOutcome<F>
where
    F: Fn(Result<&T, &E>) -> V,
    V: Into<Verdict>,
{
    type Failure = Failed<T, E>;

    fn classify(&self, outcome: Result<&T, &E>) -> Verdict {
        (self.0)(outcome).into()
    }
}

/// The default classifier of a pipeline: every error is [`Class::Transient`], every `Ok` a success.
///
/// It does not know the error type. An error that is wrongly classed as transient costs a few
/// retries within the budget; one that is wrongly classed as permanent costs the call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AllTransient;

impl<T, E> Classify<T, E> for AllTransient {
    type Failure = E;

    fn classify(&self, outcome: Result<&T, &E>) -> Verdict {
        match outcome {
            Ok(_) => Class::Success.into(),
            Err(_) => Class::Transient.into(),
        }
    }
}
