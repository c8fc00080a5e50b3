//! What an injected error or outcome is made by.

use seawall_core::{Attempt, Classify, Error};

/// Makes an error, classed, in the place of an attempt's outcome. `X` is what policies see as the
/// operation's error.
pub trait MakeError<T, X, C> {
    /// `None` where there is nothing to make.
    fn error(&self, attempt: Attempt, classifier: &C) -> Option<Result<T, Error<X>>>;
}

/// Makes an outcome, classed, in the place of an attempt's. `X` is what policies see as the operation's
/// error.
pub trait MakeOutcome<T, X, C> {
    /// `None` where there is nothing to make.
    fn outcome(&self, attempt: Attempt, classifier: &C) -> Option<Result<T, Error<X>>>;
}

/// Makes nothing: chaos without errors, or without outcomes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nothing;

impl<T, X, C> MakeError<T, X, C> for Nothing {
    fn error(&self, _: Attempt, _: &C) -> Option<Result<T, Error<X>>> {
        None
    }
}

impl<T, X, C> MakeOutcome<T, X, C> for Nothing {
    fn outcome(&self, _: Attempt, _: &C) -> Option<Result<T, Error<X>>> {
        None
    }
}

/// Made by a function.
#[derive(Clone, Copy, Debug)]
pub struct By<F>(pub(crate) F);

impl<T, X, E, F, C> MakeError<T, X, C> for By<F>
where
    F: Fn(Attempt) -> E,
    C: Classify<T, E, Failure: Into<X>>,
{
    fn error(&self, attempt: Attempt, classifier: &C) -> Option<Result<T, Error<X>>> {
        Some(sort(classifier, Err((self.0)(attempt))))
    }
}

impl<T, X, E, F, C> MakeOutcome<T, X, C> for By<F>
where
    F: Fn(Attempt) -> Result<T, E>,
    C: Classify<T, E, Failure: Into<X>>,
{
    fn outcome(&self, attempt: Attempt, classifier: &C) -> Option<Result<T, Error<X>>> {
        Some(sort(classifier, (self.0)(attempt)))
    }
}

/// Class by `classifier`, which need not know that a success can be a failure.
fn sort<T, X, E, C>(classifier: &C, outcome: Result<T, E>) -> Result<T, Error<X>>
where
    C: Classify<T, E, Failure: Into<X>>,
{
    classifier.sort(outcome).map_err(|error| error.map(Into::into))
}
