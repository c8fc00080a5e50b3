//! What a step comes to.

use std::fmt;

/// What became of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Outcome {
    /// It did what it was for.
    Done,
    /// It gave an error, which says this.
    Failed(String),
    /// It panicked, saying this.
    Panicked(String),
    /// Its deadline came before its end. It was cancelled, where it can be.
    TimedOut,
    /// It was cancelled because the shutdown was forced, or because its runtime went away.
    Aborted,
    /// It was not started: no time was left for it, or the shutdown was forced before its turn.
    Skipped,
}

impl Outcome {
    /// Whether it did what it was for.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed(error) => write!(f, "failed: {error}"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::TimedOut => f.write_str("timed out"),
            Self::Aborted => f.write_str("aborted"),
            Self::Skipped => f.write_str("skipped"),
        }
    }
}

/// What the body of a step may give: nothing, or a `Result` whose error can be displayed.
pub trait StepOutput {
    /// The error in words, if it is one.
    fn into_error(self) -> Option<String>;
}

impl StepOutput for () {
    fn into_error(self) -> Option<String> {
        None
    }
}

impl<E: fmt::Display> StepOutput for Result<(), E> {
    fn into_error(self) -> Option<String> {
        self.err().map(|error| error.to_string())
    }
}
