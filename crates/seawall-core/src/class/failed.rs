use std::fmt;

use crate::{Class, Error, Verdict};

/// What policies see as the operation's error where its `Ok` can be a failure.
///
/// An [`Answer`](Self::Answer) exists only between the operation and the caller: the caller gets it as
/// the `Ok` that it is. What looks at errors on the way, such as the function of a fallback, finds it
/// by [`Error::operation`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Failed<T, E> {
    /// The operation succeeded with this, and the classifier calls it a failure. `Display` has the
    /// classifier's words for it.
    Answer(T, AnswerText<T>),
    /// The operation's own error.
    Error(E),
}

/// How a classifier [writes](crate::Classify::write_answer) an answer that is a failure.
pub struct AnswerText<T>(fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result);

impl<T> AnswerText<T> {
    /// As `write` does.
    pub const fn new(write: fn(&T, &mut fmt::Formatter<'_>) -> fmt::Result) -> Self {
        Self(write)
    }
}

impl<T> Clone for AnswerText<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for AnswerText<T> {}

/// Two answers are equal whatever is written of them.
impl<T> PartialEq for AnswerText<T> {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl<T> Eq for AnswerText<T> {}

impl<T> fmt::Debug for AnswerText<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnswerText(..)")
    }
}

/// A type of failure that policies see: the operation's own error `E`, or [`Failed<T, E>`](Failed).
pub trait Failure<T, E>: Sized {
    /// The failure that `error` is.
    fn from_error(error: E) -> Self;

    /// `output`, or the failure that it is if `ask` says so, with `text` for whoever shows it. `E` takes
    /// it for a success without asking.
    ///
    /// # Errors
    ///
    /// The failure.
    fn weigh(
        output: T,
        text: AnswerText<T>,
        ask: impl FnOnce(&T) -> Verdict,
    ) -> Result<T, Error<Self>>;

    /// What the caller gets: an `Ok` that was called a failure is one again.
    ///
    /// A call that ended with such an `Ok` ends with it, whichever policies gave up on it. So does one
    /// whose last attempt was refused by one of our own policies, if it is the latest that is known of
    /// the dependency.
    ///
    /// # Errors
    ///
    /// The error, where that is not so. Each `Ok` in its history is left out.
    fn settle(error: Error<Self>) -> Result<T, Error<E>>;
}

impl<T, E> Failure<T, E> for E {
    fn from_error(error: E) -> Self {
        error
    }

    fn weigh(output: T, _: AnswerText<T>, _: impl FnOnce(&T) -> Verdict) -> Result<T, Error<Self>> {
        Ok(output)
    }

    fn settle(error: Error<Self>) -> Result<T, Error<E>> {
        Err(error)
    }
}

impl<T, E> Failure<T, E> for Failed<T, E> {
    fn from_error(error: E) -> Self {
        Self::Error(error)
    }

    fn weigh(
        output: T,
        text: AnswerText<T>,
        ask: impl FnOnce(&T) -> Verdict,
    ) -> Result<T, Error<Self>> {
        let verdict = ask(&output);
        if verdict.class == Class::Success {
            Ok(output)
        } else {
            let Verdict { class, carried_out } = verdict;
            let error = Self::Answer(output, text);
            Err(Error::Operation { error, class, carried_out, answer: true })
        }
    }

    fn settle(error: Error<Self>) -> Result<T, Error<E>> {
        match error {
            Error::Operation { error: Self::Answer(answer, _), .. } => Ok(answer),
            Error::Operation { error: Self::Error(error), class, carried_out, answer } => {
                Err(Error::Operation { error, class, carried_out, answer })
            }
            Error::TimedOut(timed_out) => Err(Error::TimedOut(timed_out)),
            Error::Rejected(rejection) => Err(Error::Rejected(rejection)),
            Error::Panicked(panicked) => Err(Error::Panicked(panicked)),
            Error::Cancelled(cancelled) => Err(Error::Cancelled(cancelled)),
            Error::GaveUp(gave_up) => gave_up.settle(),
        }
    }
}

impl<T, E: fmt::Display> fmt::Display for Failed<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(answer, text) => text.0(answer, f),
            Self::Error(error) => error.fmt(f),
        }
    }
}

// By hand: an answer need not be `Debug`.
impl<T, E: fmt::Debug> fmt::Debug for Failed<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(..) => f.write_str("Answer(..)"),
            Self::Error(error) => f.debug_tuple("Error").field(error).finish(),
        }
    }
}

impl<T, E: std::error::Error> std::error::Error for Failed<T, E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Answer(..) => None,
            Self::Error(error) => error.source(),
        }
    }
}

impl<T, E> From<E> for Failed<T, E> {
    fn from(error: E) -> Self {
        Self::Error(error)
    }
}
